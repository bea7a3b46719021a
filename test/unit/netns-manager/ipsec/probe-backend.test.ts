import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeBackend, readProbe } from '../../../../netns-manager/ipsec/probe-backend.ts';

test('a kernel that makes all has ESP and xfrm interfaces', () => {
  assert.deepEqual(readProbe(''), { backend: 'kernel-netlink', hasXfrmInterfaces: true, reason: '' });
});

test('a kernel without xfrm interfaces may still do ESP', () => {
  const said = 'Error: Unknown device type.\nCommand failed -:1\n';
  assert.deepEqual(readProbe(said), { backend: 'kernel-netlink', hasXfrmInterfaces: false, reason: '' });
});

for (const [title, said, reason] of [
  [
    'both',
    'Error: Unknown device type.\nCommand failed -:1\nError: Requested AEAD algorithm not found.',
    'Requested AEAD',
  ],
  ['ESP alone', 'RTNETLINK answers: Protocol not supported', 'RTNETLINK answers: Protocol not supported'],
  ['the right to look', 'unshare: unshare failed: Operation not permitted', 'unshare failed'],
  ['the program', '`unshare` could not be started (ENOENT)', 'could not be started'],
] as const) {
  test(`without ${title} user-space ESP is used, and the reason is told`, () => {
    const probe = readProbe(said);
    assert.equal(probe.backend, 'kernel-libipsec');
    assert.equal(probe.hasXfrmInterfaces, false);
    assert.ok(probe.reason.startsWith('the kernel does not do ESP: ') && probe.reason.includes(reason), probe.reason);
  });
}

test('this kernel can be probed', async () => {
  const { backend, reason } = await probeBackend();
  assert.equal(backend === 'kernel-netlink', reason === '');
});
