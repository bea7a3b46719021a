import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActualLink, ActualLinks } from '../../../../netns-manager/bridge/actual.ts';
import { bridgeMac } from '../../../../netns-manager/bridge/wanted.ts';
import type { Intent } from '../../../../netns-manager/intent.ts';
import { describeItems, type Found } from '../../../../netns-manager/items/describe.ts';
import { itemKey } from '../../../../netns-manager/items/item.ts';
import { itemStates } from '../../../../netns-manager/items/states.ts';
import { tunnelErrors } from '../../../../netns-manager/items/tunnels.ts';
import { wantedSysctls } from '../../../../netns-manager/sysctls.ts';
import type { VpnStatus, VpnTunnelStatus } from '../../../../shared/proto/messages.ts';
import { ace, localNi, vif, vpnTunnel } from '../acl/builders.ts';

const intent: Intent = {
  config: localNi({ staticRoutes: [{ destination: '172.16.0.0/12', gateway: '10.10.1.2' }] }),
  apps: [vif({ acl: [ace(1)] })],
  uplinks: [],
  credentials: new Map(),
};
const link = (name: string, given: Partial<ActualLink> = {}): ActualLink => {
  return {
    name,
    kind: name === 'br' ? 'bridge' : 'veth',
    up: true,
    carrier: true,
    mtu: 1500,
    mac: '',
    master: '',
    addresses: [],
    lockedPort: false,
    ...given,
  };
};

/** The kernel as it is when all of the intent is in place. */
function complete(): Found & { links: ActualLinks } {
  const links = [
    link('lo', { mtu: 65_536 }),
    link('br', { mac: bridgeMac(intent.config.uuid), addresses: ['10.10.1.1/24', '169.254.169.254/32', 'fe80::1/64'] }),
    link('uplink', { addresses: ['169.254.64.2/30', 'fe80::2/64'] }),
    link('nbu1x1', { master: 'br', lockedPort: true }),
  ];
  return {
    wantedSysctls: wantedSysctls(intent),
    sysctls: wantedSysctls(intent),
    links: {
      links: new Map(links.map(one => [one.name, one])),
      defaultRoutes: ['169.254.64.1'],
      routes: [{ destination: '172.16.0.0/12', gateway: '10.10.1.2' }],
      fdb: new Set(['02:16:3e:00:00:01 nbu1x1']),
    },
    rulesLoaded: true,
    dnsmasqRuns: true,
    metadataListens: true,
    vpn: null,
  };
}

const states = (found: Found, errors: [string, string][] = []) =>
  [...itemStates(describeItems(intent, found), new Map(errors), new Map(), 0)].map(([key, value]) => ({
    key,
    ...value,
  }));
const notOk = (found: Found, errors: [string, string][] = []) =>
  states(found, errors)
    .filter(({ state }) => state !== 'ok')
    .map(({ key, state, error }) => `${key} ${state} ${error}`.trim());

test('everything that the manager owns is an item, and ok when the kernel has it', () => {
  const found = states(complete());
  assert.deepEqual([...new Set(found.map(({ state }) => state))], ['ok']);
  assert.deepEqual(
    found.filter(({ kind }) => kind !== 'sysctl').map(({ key }) => key),
    [
      'nft:inet nibox',
      'link:lo',
      'link:br',
      'address:br 10.10.1.1/24',
      'address:br 169.254.169.254/32',
      'link:uplink',
      'address:uplink 169.254.64.2/30',
      'route:default',
      'route:172.16.0.0/12',
      'vif:nbu1x1',
      'dnsmasq:dhcp-dns',
      'metadata:http',
    ],
  );
  assert.equal(found.filter(({ kind }) => kind === 'sysctl').length, wantedSysctls(intent).size);
});

test('an item depends only on items that stand before it', () => {
  const seen = new Set<string>();
  for (const { kind, id, dependsOn } of describeItems(intent, complete())) {
    for (const key of dependsOn) assert.ok(seen.has(key), `${kind}:${id} depends on ${key}`);
    seen.add(itemKey(kind, id));
  }
});

test('without its bridge an NI has one error; what needs the bridge waits, the uplink works', () => {
  const found = complete();
  found.links.links.delete('br');
  found.links.links.get('nbu1x1')!.master = '';
  found.links.fdb.clear();
  found.links.routes = [];
  const failed = notOk({ ...found, dnsmasqRuns: false, metadataListens: false }, [
    ['link:br', '`ip link add name br type bridge`: not supported'],
    ['address:br 10.10.1.1/24', 'Cannot find device "br"'],
    ['dnsmasq:dhcp-dns', 'unknown interface br'],
  ]);
  assert.deepEqual(failed, [
    'link:br error `ip link add name br type bridge`: not supported',
    'address:br 10.10.1.1/24 pending waits for link:br',
    'address:br 169.254.169.254/32 pending waits for link:br',
    'route:172.16.0.0/12 pending waits for address:br 10.10.1.1/24',
    'vif:nbu1x1 pending waits for link:br',
    'dnsmasq:dhcp-dns pending waits for link:br, address:br 10.10.1.1/24',
    'metadata:http pending waits for address:br 169.254.169.254/32',
  ]);
});

test('without rules, or with bridged frames going past them, VIFs wait', () => {
  const found = complete();
  found.links.links.get('nbu1x1')!.master = '';
  assert.deepEqual(notOk({ ...found, rulesLoaded: false }, [['nft:inet nibox', 'syntax error']]), [
    'nft:inet nibox error syntax error',
    'vif:nbu1x1 pending waits for nft:inet nibox',
  ]);
  const path = 'net/bridge/bridge-nf-call-iptables';
  const sysctls = new Map([...found.sysctls].filter(([key]) => key !== path));
  assert.deepEqual(notOk({ ...found, sysctls }, [[`sysctl:${path}`, 'no such file']]), [
    `sysctl:${path} error no such file`,
    `vif:nbu1x1 pending waits for sysctl:${path}`,
  ]);
});

test('what the supervisor has not made yet is pending and says so', () => {
  const found = complete();
  found.links.links.delete('nbu1x1');
  found.links.links.delete('uplink');
  found.links.defaultRoutes = [];
  assert.deepEqual(notOk(found), [
    'link:uplink pending waits for the supervisor, which makes the transit link',
    'address:uplink 169.254.64.2/30 pending waits for link:uplink',
    'route:default pending waits for link:uplink, address:uplink 169.254.64.2/30',
    'vif:nbu1x1 pending waits for the supervisor, which makes it when the app is there',
  ]);
});

test('a device of another kind under the bridge’s name is no bridge', () => {
  const found = complete();
  found.links.links.get('br')!.kind = 'veth';
  assert.deepEqual(notOk(found), ['link:br pending']);
});

test('foreign addresses and ports are unwanted', () => {
  const found = complete();
  found.links.links.get('br')!.addresses.push('10.9.9.9/24');
  found.links.fdb.add('02:16:3e:00:00:09 nbu1x9');
  assert.deepEqual(notOk(found), ['address:br 10.9.9.9/24 unwanted', 'vif:nbu1x9 unwanted']);
});

test('a VPN’s tunnels wait for charon, and a tunnel that is down says why', () => {
  const vpn = { localBreakout: false, tunnels: [vpnTunnel(), vpnTunnel({ name: 'branch', server: true })] };
  const wanted: Intent = { ...intent, config: { ...intent.config, vpn } };
  const tunnel = (name: string, state: string, error = '') => ({ name, state, error }) as VpnTunnelStatus;
  const status: VpnStatus = {
    backend: 'kernel-libipsec',
    charonPid: 7,
    error: '',
    tunnels: [tunnel('tunnel', 'down', 'unreachable: no answer from 192.0.2.1'), tunnel('branch', 'listening')],
  };
  const found = (given: VpnStatus) => {
    const items = describeItems(wanted, { ...complete(), vpn: given });
    return [...itemStates(items, new Map(tunnelErrors(given)), new Map(), 0)]
      .filter(([key]) => /^(charon|tunnel):/.test(key))
      .map(([key, { state, error }]) => `${key} ${state} ${error}`.trim());
  };
  assert.deepEqual(found(status), [
    'charon:ike ok',
    'tunnel:tunnel error unreachable: no answer from 192.0.2.1',
    'tunnel:branch ok',
  ]);
  assert.deepEqual(found({ ...status, charonPid: 0, error: 'charon ended at once', tunnels: [] }), [
    'charon:ike error charon ended at once',
    'tunnel:tunnel pending waits for charon:ike',
    'tunnel:branch pending waits for charon:ike',
  ]);
});
