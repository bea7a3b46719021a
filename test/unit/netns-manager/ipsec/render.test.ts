import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ConnectionInput, renderTunnel } from '../../../../netns-manager/ipsec/connections.ts';
import { renderStrongswanConf } from '../../../../netns-manager/ipsec/strongswan-conf.ts';
import { tunnelDevice } from '../../../../netns-manager/ipsec/tunnel-device.ts';
import { TunnelError } from '../../../../netns-manager/ipsec/tunnel-error.ts';
import { VpnAuth } from '../../../../shared/proto/messages.ts';
import { credentials, server, tunnel } from './fixtures.ts';

function golden(name: string, text: string): void {
  const file = new URL(`./golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'), `golden/${name} (UPDATE_GOLDEN=1 writes it anew)`);
}

for (const backend of ['kernel-netlink', 'kernel-libipsec'] as const) {
  test(`the strongswan.conf for ${backend} is rendered as in golden/${backend}.conf`, () => {
    const socketFile = '/run/nibox/nb/ni/ni4/charon/charon.vici';
    golden(`${backend}.conf`, renderStrongswanConf({ backend, socketFile, logFile: '/var/log/a "quoted" name.log' }));
  });
}

const input = (fields: Partial<ConnectionInput> = {}): ConnectionInput => ({
  tunnel: tunnel(),
  credentials: credentials(),
  localAddress: '169.254.64.2',
  backend: 'kernel-libipsec',
  interfaceId: 0,
  isTwin: false,
  ...fields,
});

const rendered: [string, ConnectionInput][] = [
  ['client', input()],
  [
    'client-named',
    input({ tunnel: tunnel({ localId: 'device.example', remoteId: 'gw.example' }), backend: 'kernel-netlink' }),
  ],
  ['client-twin', input({ tunnel: tunnel({ localId: 'device.example' }), isTwin: true })],
  ['server-any', input({ tunnel: server(), localAddress: '' })],
  ['server-address', input({ tunnel: server({ remoteGateway: '203.0.113.7' }) })],
  ['server-named', input({ tunnel: server({ localId: 'gw.example', remoteId: 'device.example' }) })],
  [
    'ikev1',
    input({ tunnel: tunnel({ ikeVersion: 1, remoteSubnets: ['192.168.0.0/24', '192.168.7.0/24'], espRekey: 0 }) }),
  ],
  [
    'route-based',
    input({
      tunnel: tunnel({ routeBased: true }),
      backend: 'kernel-netlink',
      interfaceId: 0x1234,
    }),
  ],
];

for (const [name, given] of rendered) {
  test(`what charon is told of a tunnel is rendered as in golden/${name}.json`, () => {
    golden(`${name}.json`, `${JSON.stringify(renderTunnel(given), null, 2)}\n`);
  });
}

test('a route-based tunnel agrees on everything, whoever does ESP; a policy-based one on its subnets', () => {
  const routed = tunnel({ routeBased: true, localSubnets: ['10.10.10.0/24'], remoteSubnets: ['172.31.0.0/16'] });
  const selectors = (given: Partial<ConnectionInput>) => {
    const { children } = renderTunnel(input(given)).loadConn[routed.name] as { children: Record<string, unknown> };
    const { local_ts, remote_ts } = children[routed.name] as Record<string, string[]>;
    return [local_ts, remote_ts];
  };
  for (const interfaceId of [0, 7]) {
    assert.deepEqual(selectors({ tunnel: routed, interfaceId }), [['0.0.0.0/0'], ['0.0.0.0/0']]);
  }
  const byPolicy = { ...routed, routeBased: false };
  assert.deepEqual(selectors({ tunnel: byPolicy, interfaceId: 0 }), [['10.10.10.0/24'], ['172.31.0.0/16']]);
});

test('equal input gives an equal digest, and each thing that charon is told counts', () => {
  const { digest } = renderTunnel(input());
  assert.equal(renderTunnel(input()).digest, digest);
  const changes: Partial<ConnectionInput>[] = [
    { credentials: credentials({ psk: 'other' }) },
    { localAddress: '169.254.64.6' },
    { backend: 'kernel-netlink' },
    { tunnel: tunnel({ dpdDelay: 11 }) },
    { tunnel: tunnel({ espProposals: ['aes256gcm16'] }) },
  ];
  const digests = new Set(changes.map(change => renderTunnel(input(change)).digest));
  assert.equal(digests.size, changes.length);
  assert.equal(digests.has(digest), false);
  // How the device is set up is not charon's business.
  assert.equal(renderTunnel(input({ tunnel: tunnel({ mtu: 1300 }) })).digest, digest);
});

test('a tunnel without its secret is refused in words, without what secrets there are', () => {
  assert.throws(() => renderTunnel(input({ credentials: null })), { message: 'its credentials are missing' });
  assert.throws(() => renderTunnel(input({ credentials: credentials({ psk: '' }) })), /no pre-shared key/);
  const given = { ...input(), tunnel: tunnel({ auth: VpnAuth.CERTIFICATE }) };
  const encrypted = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----\n';
  const certificate = '-----BEGIN CERTIFICATE-----\nMIIF\n-----END CERTIFICATE-----\n';
  assert.throws(
    () => renderTunnel({ ...given, credentials: credentials({ certificate, privateKey: encrypted }) }),
    (error: Error) => {
      assert.ok(error instanceof TunnelError);
      assert.match(error.message, /^the certificate can't be read: /);
      assert.doesNotMatch(error.message, /MIIF/);
      return true;
    },
  );
});

test('the device of a tunnel depends on who does ESP and on its own name only', () => {
  const routed = tunnel({ routeBased: true });
  assert.deepEqual(tunnelDevice(routed, 'kernel-libipsec', false), { name: 'ipsec0' });
  assert.deepEqual(tunnelDevice(tunnel(), 'kernel-netlink', true), { name: 'uplink' });
  assert.deepEqual(tunnelDevice(routed, 'kernel-netlink', false), { name: 'uplink' });
  const device = tunnelDevice(routed, 'kernel-netlink', true);
  assert.match(device.name, /^ipsec[0-9a-f]{8}$/);
  assert.equal(device.name, `ipsec${device.xfrmId!.toString(16).padStart(8, '0')}`);
  assert.deepEqual(tunnelDevice({ ...routed, remoteGateway: '203.0.113.7' }, 'kernel-netlink', true), device);
  assert.notDeepEqual(tunnelDevice({ ...routed, name: 'other' }, 'kernel-netlink', true), device);
});
