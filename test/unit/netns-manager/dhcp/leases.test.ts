import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOwners, hasStaleLease, parseLeases, pruneLeases } from '../../../../netns-manager/dhcp/leases.ts';
import { app, render, UUID1, UUID2 } from './fixtures.ts';

const FILE = `1795410012 02:16:3e:00:00:01 10.10.1.2 ${UUID1} *
0 02:16:3e:00:00:02 10.10.1.3 * 01:02:16:3e:00:00:02
duid 00:01:00:01:32:96:76:cb:da:fd:31:eb:8d:73
1795410099 16777217 fd00:1::2 ${UUID1} 00:03:00:01:02:16:3e:00:00:01
`;

test('a lease file is read with both families', () => {
  assert.deepEqual(parseLeases(FILE), [
    { expiry: 1795410012, mac: '02:16:3e:00:00:01', address: '10.10.1.2', hostname: UUID1, clientId: '*' },
    { expiry: 0, mac: '02:16:3e:00:00:02', address: '10.10.1.3', hostname: '', clientId: '01:02:16:3e:00:00:02' },
    {
      expiry: 1795410099,
      mac: '02:16:3e:00:00:01',
      address: 'fd00:1::2',
      hostname: UUID1,
      clientId: '00:03:00:01:02:16:3e:00:00:01',
    },
  ]);
});

test('lines that are no leases are passed over', () => {
  const lines = [
    '',
    'duid 00:01',
    'never 02:16:3e:00:00:01 10.10.1.2 x *',
    '0 02:16:3e:00:00:01 10.10.1 x *',
    '0 a 10.10.1.2 x * y',
  ];
  assert.deepEqual(parseLeases(lines.join('\n')), []);
});

test('a torn lease file never gives a lease that is not in the whole one', () => {
  const whole = parseLeases(FILE).map(({ address }) => address);
  fc.assert(
    fc.property(fc.nat(FILE.length), length => {
      for (const lease of parseLeases(FILE.slice(0, length))) assert.ok(whole.includes(lease.address));
    }),
  );
});

function owners(...apps: Parameters<typeof app>[0][]) {
  return addressOwners(render({ apps: apps.map(app) }).files.get('dhcp-hosts') ?? '');
}

test('the owners of addresses are found in what was rendered', () => {
  assert.deepEqual(
    [...owners({ ipv6: 'FD00:1::2' }, { vif: 'v', mac: '02:00:00:00:00:09', ipv4: '10.10.1.9', appUuid: '' })],
    [
      ['10.10.1.2', { mac: '02:16:3e:00:00:01', hostname: UUID1 }],
      ['fd00:1::2', { mac: '02:16:3e:00:00:01', hostname: UUID1 }],
      ['10.10.1.9', { mac: '02:00:00:00:00:09', hostname: '' }],
    ],
  );
});

test('only leases of addresses that belong to somebody else now are taken out', () => {
  const successor = owners({ mac: '02:16:3e:00:00:09', appUuid: UUID2, ipv6: 'fd00:1::2' });
  assert.equal(hasStaleLease(FILE, successor), true);
  assert.deepEqual(
    parseLeases(pruneLeases(FILE, successor)).map(({ address }) => address),
    ['10.10.1.3'],
  );
  assert.match(pruneLeases(FILE, successor), /^duid /m);
  const same = owners({ ipv6: 'fd00:1::2' });
  assert.equal(hasStaleLease(FILE, same), false);
  assert.equal(pruneLeases(FILE, same), FILE);
  assert.equal(pruneLeases(FILE, new Map()), FILE);
});
