import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Intent } from '../../../../netns-manager/intent.ts';
import type { TunnelDevice } from '../../../../netns-manager/ipsec/tunnel-device.ts';
import type { ActualTunnels } from '../../../../netns-manager/tunnels/actual.ts';
import { planTunnels } from '../../../../netns-manager/tunnels/plan.ts';
import type { VpnTunnel } from '../../../../shared/proto/messages.ts';
import { localNi, vpnTunnel } from '../acl/builders.ts';

const nothing: ActualTunnels = { devices: new Map(), rules: [], routes: [] };
const ipsec0 = new Map([['ipsec0', { up: true, mtu: 1400, addresses: [] }]]);
const uplink = new Map([['uplink', { up: true, mtu: 1500, addresses: [] }]]);
const RULE = 'priority 220 not from all fwmark 0x42 lookup 220';
const NEAR = ['throw 10.10.1.0/24', 'throw 169.254.64.0/30'];
const byTun: TunnelDevice = { name: 'ipsec0' };
const byPolicy: TunnelDevice = { name: 'uplink' };
const byXfrm: TunnelDevice = { name: 'ipsec00000007', xfrmId: 7 };

function intent(...tunnels: VpnTunnel[]): Intent {
  const config = localNi({ vpn: { localBreakout: false, tunnels } });
  return { config, apps: [], uplinks: [], credentials: new Map() };
}

function plan(wanted: Intent, device: TunnelDevice, actual: ActualTunnels): string[] {
  return planTunnels(wanted, () => device, actual).map(({ line }) => line);
}

test('before its device is there a tunnel’s network is unreachable, not open', () => {
  assert.deepEqual(plan(intent(vpnTunnel()), byTun, nothing), [
    `rule add ${RULE}`,
    'route add unreachable 192.168.0.0/24 metric 20000 table 220',
    ...NEAR.map(route => `route add ${route} table 220`),
  ]);
});

test('a device that has come gets its MTU and its routes, and then nothing is left to do', () => {
  const before = { devices: ipsec0, rules: [RULE], routes: [...NEAR, 'unreachable 192.168.0.0/24 metric 20000'] };
  const route = '192.168.0.0/24 dev ipsec0 src 10.10.1.1';
  assert.deepEqual(plan(intent(vpnTunnel()), byTun, before), [`route add ${route} table 220`]);
  assert.deepEqual(plan(intent(vpnTunnel()), byTun, { ...before, routes: [...before.routes, route] }), []);
  const wrong = { ...before, devices: new Map([['ipsec0', { up: true, mtu: 1500, addresses: [] }]]) };
  assert.ok(plan(intent(vpnTunnel()), byTun, wrong).includes('link set dev ipsec0 mtu 1400'));
});

test('where the kernel’s policies do it the route names the uplink and the address that the selectors know', () => {
  assert.ok(
    plan(intent(vpnTunnel()), byPolicy, { ...nothing, devices: uplink }).includes(
      'route add 192.168.0.0/24 via 169.254.64.1 dev uplink src 10.10.1.1 table 220',
    ),
  );
});

test('a route-based tunnel has an interface of its own with its addresses', () => {
  const tunnel = vpnTunnel({
    routeBased: true,
    tunnelAddress: '169.254.10.2/30',
    tunnelPeer: '169.254.10.1',
    mtu: 1300,
  });
  const lines = plan(intent(tunnel), byXfrm, nothing);
  assert.deepEqual(lines.slice(1, 5), [
    'link add name ipsec00000007 type xfrm dev uplink if_id 7',
    'link set dev ipsec00000007 mtu 1300',
    'link set dev ipsec00000007 up',
    'addr add 169.254.10.2 peer 169.254.10.1 dev ipsec00000007',
  ]);
  assert.ok(lines.includes('route add 192.168.0.0/24 dev ipsec00000007 src 10.10.1.1 table 220'));
});

test('everything may lie behind a tunnel; what is near stays near', () => {
  const lines = plan(intent(vpnTunnel({ remoteSubnets: ['0.0.0.0/0'] })), byTun, { ...nothing, devices: ipsec0 });
  assert.ok(lines.includes('route add default dev ipsec0 src 10.10.1.1 table 220'));
  for (const route of NEAR) assert.ok(lines.includes(`route add ${route} table 220`), route);
});

test('the routes and the interface of a tunnel that is no more go', () => {
  const devices = new Map([...ipsec0, ['ipsec00000007', { up: true, mtu: 1400, addresses: [] }] as const]);
  assert.ok(plan(intent(vpnTunnel()), byTun, { ...nothing, devices }).includes('link del dev ipsec00000007'));
  const actual = { devices: ipsec0, rules: [RULE], routes: ['10.99.0.0/16 dev ipsec0', ...NEAR] };
  assert.ok(plan(intent(vpnTunnel()), byTun, actual).includes('route del 10.99.0.0/16 dev ipsec0 table 220'));
});

test('charon’s own device never gets packets that it would cut off', () => {
  const actual = { devices: new Map([['ipsec0', { up: true, mtu: 1500, addresses: [] }]]), rules: [RULE], routes: [] };
  assert.ok(plan(intent(vpnTunnel({ mtu: 9000 })), byTun, actual).includes('link set dev ipsec0 mtu 1400'));
});

test('a tunnel that becomes route-based loses its way by the uplink before it gets the one by its interface', () => {
  const route = '192.168.0.0/24 via 169.254.64.1 dev uplink src 10.10.1.1';
  const before = {
    devices: uplink,
    rules: [RULE],
    routes: [...NEAR, 'unreachable 192.168.0.0/24 metric 20000', route],
  };
  const lines = plan(intent(vpnTunnel({ routeBased: true })), byXfrm, before);
  assert.deepEqual(
    lines.filter(line => line.startsWith('route')),
    [`route del ${route} table 220`, 'route add 192.168.0.0/24 dev ipsec00000007 src 10.10.1.1 table 220'],
  );
});
