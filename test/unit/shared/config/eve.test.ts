import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatIssue, readConfigFile, readConfigText } from '../../../../shared/config/index.ts';
import { type BadInput, expectIssue, read } from './expect.ts';

type Json = Record<string, unknown>;

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const ni = (more: Json = {}, n = 1): Json => ({
  uuidandversion: { uuid: uuid(n), version: '1' },
  displayname: `ni${n}`,
  instType: 2,
  activate: true,
  port: { type: 1, name: 'eth0' },
  ipType: 1,
  ip: { subnet: '10.10.1.0/24' },
  ...more,
});
const app = (interfaces: unknown, more: Json = {}, n = 1): Json => ({
  uuidandversion: { uuid: uuid(100 + n) },
  displayname: `app${n}`,
  activate: true,
  interfaces,
  ...more,
});
const adapters = [{ name: 'eth0', uplink: true }, { name: 'eth1', uplink: true, cost: 5 }, { name: 'eth3' }];
const eve = (more: Json): Json => ({ id: { uuid: uuid(0) }, systemAdapterList: adapters, ...more });
const withNi = (more: Json): Json => eve({ networkInstances: [ni(more)] });
const withAdapter = (more: Json, niMore: Json = {}): Json =>
  eve({ networkInstances: [ni(niMore)], apps: [app([{ networkId: uuid(1), ...more }])] });
const withAce = (ace: unknown): Json => withAdapter({ acls: [ace] });

const NI = 'networkInstances[0]';
const INTERFACE = 'apps[0].interfaces[0]';

describe("EVE's scenario", () => {
  const path = fileURLToPath(new URL('../../../../../shared/evenet/scenario.json', import.meta.url));
  const skip = existsSync(path) ? false : 'the scenario is not beside this checkout';

  it('loads as it is: VPN settings that are none refuse those two alone', { skip }, async () => {
    const { config, issues, format } = await readConfigFile(path);
    assert.equal(format, 'eve');
    assert.deepEqual(
      issues.map(issue => `${issue.scope} ${issue.path}`),
      ['warning networks[0].ip.gw', 'ni networkInstances[3].cfg.oconfig', 'ni networkInstances[4].cfg.oconfig'],
    );
    assert.match(formatIssue(issues[1]!), /^networkInstances\[3\]\.cfg\.oconfig: "TODO - VPN.*is not JSON.*Remedy: /);
    assert.deepEqual(
      config!.networkInstances.map(({ name, type, port, issues }) => [name, type, port, issues.length]),
      [
        ['ni1', 'local', 'eth0', 0],
        ['ni2', 'local', 'eth0', 0],
        ['ni3', 'local', 'eth1', 0],
        ['ni4', 'vpn', 'eth1', 1],
        ['ni5', 'vpn', 'eth2', 1],
        ['ni6', 'switch', 'eth3', 0],
      ],
    );
    assert.deepEqual(config!.networkInstances[1]!.ipv4, {
      subnet: '192.168.1.0/24',
      gateway: '192.168.1.1',
      rangeStart: '192.168.1.2',
      rangeEnd: '192.168.1.254',
    });
    assert.deepEqual(config!.networkInstances[1]!.dnsServers, ['192.168.1.1']);
    assert.deepEqual(
      config!.uplinks.map(({ interface: name, label, sharedLabels }) => [name, label, sharedLabels]),
      [
        ['eth0', 'eth0', ['uplink', 'freeuplink']],
        ['eth1', 'eth1', ['uplink', 'freeuplink']],
        ['eth2', 'eth2', ['uplink', 'freeuplink']],
        ['eth3', 'eth3', []],
      ],
    );
    assert.equal(config!.device.uuid, '4fbbcb0c-91c0-41bd-8523-cb75c191e4b8');
  });

  it('has the apps and ACLs of the scenario', { skip }, async () => {
    const { config } = await readConfigFile(path);
    const told = config!.apps.map(({ name, attach, interfaces }) => ({
      name,
      attach: attach.kind,
      interfaces: interfaces.map(one => ({
        at: `${one.networkInstance} ${one.device} ${one.name}`,
        acl: one.acl.map(({ id, match, action }) => ({ id, ...match, action: action.kind })),
      })),
    }));
    const web = { id: 1, eidset: true, fport: '80', protocol: 'tcp', action: 'allow' };
    const tcp80 = { id: 1, fport: '80', protocol: 'tcp', action: 'allow' };
    const attach = 'byName';
    assert.deepEqual(told, [
      {
        name: 'app1',
        attach,
        interfaces: [
          {
            at: 'ni1 eth0 default',
            acl: [
              { id: 1, host: 'github.com', action: 'allow' },
              { id: 2, ip: '192.168.0.0/16', action: 'allow' },
            ],
          },
          { at: 'ni2 eth1 default', acl: [web] },
        ],
      },
      {
        name: 'app2',
        attach,
        interfaces: [
          { at: 'ni2 eth0 default', acl: [web, { id: 2, protocol: 'tcp', lport: '8080', action: 'portmap' }] },
        ],
      },
      {
        name: 'app3',
        attach,
        interfaces: [{ at: 'ni3 eth0 default', acl: [{ id: 1, ip: '0.0.0.0/0', action: 'allow' }] }],
      },
      { name: 'app4', attach, interfaces: [{ at: 'ni4 eth0 default', acl: [tcp80] }] },
      { name: 'app5', attach, interfaces: [{ at: 'ni5 eth0 default', acl: [tcp80] }] },
      {
        name: 'app6',
        attach,
        interfaces: [{ at: 'ni6 eth0 default', acl: [{ id: 1, ip: '192.168.0.0/16', action: 'limit' }] }],
      },
    ]);
    assert.deepEqual(config!.apps[1]!.interfaces[0]!.acl[1]!.action, { kind: 'portmap', appPort: 80 });
    const limit = { kind: 'limit', rate: 5, unit: 'second', burst: 15 };
    assert.deepEqual(config!.apps[5]!.interfaces[0]!.acl[0]!.action, limit);
  });
});

describe("EVE's JSON form", () => {
  it('may be wrapped as the controller sends it; paths then begin with config', () => {
    const { config, issues, format } = read({ config: withNi({ mtu: 5 }), configHash: 'x' });
    assert.equal(format, 'eve');
    assert.equal(config!.networkInstances[0]!.name, 'ni1');
    assert.deepEqual(
      issues.map(issue => issue.path),
      ['config.networkInstances[0].mtu'],
    );
  });

  it('takes field names of both spellings, enums by name and number, integers as text', () => {
    const camel = ni({ instType: 'ZnetInstLocal', ipType: 'IPV4', mtu: '1400', disableFlowlog: true });
    const snake = ni({ disable_flowlog: true, propagate_connected_routes: true }, 2);
    const { config, issues } = read(eve({ networkInstances: [camel, snake] }));
    assert.deepEqual(issues, []);
    const [first, second] = config!.networkInstances;
    assert.deepEqual([first!.mtu, first!.flowLog, first!.type], [1400, false, 'local']);
    assert.deepEqual([second!.mtu, second!.flowLog, second!.propagateConnectedRoutes], [1500, false, true]);
  });

  it('takes null as absent and absent flags as false', () => {
    const { config, issues } = read(withNi({ activate: null, dns: null, cfg: null }));
    assert.deepEqual(issues, []);
    assert.equal(config!.networkInstances[0]!.activate, false);
  });

  it('reads IPv6, static DNS entries, routes and NTP servers', () => {
    const { config, issues } = read(
      withNi({
        ipType: 2,
        ip: { subnet: 'fd00:1::/64', domain: 'Lab.Example', ntp: 'ntp.example', more_ntp: ['fd00:1::9'] },
        dns: [{ HostName: 'db', Address: ['FD00:1::5'] }],
        staticRoutes: [{ destinationNetwork: 'fd00:2::/64', gateway: 'fd00:1::7' }],
      }),
    );
    assert.deepEqual(issues, []);
    const built = config!.networkInstances[0]!;
    assert.equal(built.ipv4, undefined);
    assert.equal(built.ipv6!.gateway, 'fd00:1::1');
    assert.equal(built.domain, 'lab.example');
    assert.deepEqual(built.ntpServers, ['ntp.example', 'fd00:1::9']);
    assert.deepEqual(built.dnsHosts, [{ name: 'db', addresses: ['fd00:1::5'] }]);
    assert.deepEqual(built.staticRoutes, [{ destination: 'fd00:2::/64', gateway: 'fd00:1::7' }]);
  });

  it('finds interfaces behind labels, VLANs and bonds, and the settings of their networks', () => {
    const { config, issues } = read({
      systemAdapterList: [
        { name: 'wan', uplink: true, networkUUID: uuid(50).toUpperCase(), sharedLabels: ['fast'] },
        { name: 'office', lowerLayerName: 'vlan7', uplink: true, cost: 3 },
      ],
      deviceIoList: [{ phylabel: 'COM-A', logicallabel: 'wan', phyaddrs: { ifname: 'enp3s0' } }],
      vlans: [{ logicallabel: 'vlan7', interfaceName: 'enp3s0.7', vlanId: 7 }],
      networks: [{ id: uuid(50), ip: { gateway: '192.168.0.1', dns: ['192.168.0.3'], ntp: 'ntp.example' } }],
    });
    assert.deepEqual(issues, []);
    assert.deepEqual(config!.uplinks, [
      {
        interface: 'enp3s0',
        label: 'wan',
        sharedLabels: ['uplink', 'fast', 'freeuplink'],
        cost: 0,
        gateway: '192.168.0.1',
        dnsServers: ['192.168.0.3'],
        ntpServers: ['ntp.example'],
      },
      { interface: 'enp3s0.7', label: 'office', sharedLabels: ['uplink'], cost: 3, dnsServers: [], ntpServers: [] },
    ]);
  });

  it('warns of unknown fields once for each kind of place, and knows those it has no use for', () => {
    const apps = [1, 2, 3].map(n =>
      app([{ networkId: uuid(1), colour: 'red' }], { drives: [{ x: 1 }], userData: 'x' }, n),
    );
    const { config, issues } = read(eve({ networkInstances: [ni()], apps, contentInfo: [{ y: 1 }] }));
    assert.ok(config);
    assert.equal(issues.length, 1);
    assert.equal(issues[0]!.path, 'apps[0].interfaces[0].colour');
    assert.match(issues[0]!.reason, /3 times/);
  });

  it('lists no more than 50 kinds of unknown fields', () => {
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`unknown${index}`, 1]));
    const { issues } = read(eve(many));
    assert.equal(issues.length, 51);
    assert.match(issues.find(issue => issue.path === '')!.reason, /30 more kinds/);
  });

  it('makes names of display names that can be none, always the same and each its own', () => {
    const names = ['Küche & Bad', 'Küche+Bad', 'Kuche-Bad-2', '日本'];
    const document = eve({ networkInstances: names.map((displayname, index) => ni({ displayname }, index + 1)) });
    const { config, issues } = read(document);
    const expected = ['Kuche-Bad', 'Kuche-Bad-3', 'Kuche-Bad-2', 'ni4'];
    assert.deepEqual(
      config!.networkInstances.map(({ name }) => name),
      expected,
    );
    assert.deepEqual(
      issues.map(({ scope }) => scope),
      ['warning', 'warning', 'warning'],
    );
    assert.deepEqual(read(document), read(document));
  });

  it('tells two interfaces of one name in one network instance apart', () => {
    const twice = [1, 2].map(() => ({ name: 'default', networkId: uuid(1) }));
    const { config, issues } = read(eve({ networkInstances: [ni()], apps: [app(twice)] }));
    assert.deepEqual(
      config!.apps[0]!.interfaces.map(({ name }) => name),
      ['default', 'default-2'],
    );
    assert.deepEqual(
      issues.map(({ scope, path }) => `${scope} ${path}`),
      ['warning apps[0].interfaces[1].name'],
    );
  });

  it('takes addresses of a switch as not there', () => {
    const { config } = read(withNi({ instType: 1, port: { name: 'eth3' } }));
    assert.equal(config!.networkInstances[0]!.ipv4, undefined);
    assert.deepEqual(config!.networkInstances[0]!.issues, []);
  });

  it('never shows a key', () => {
    for (const oconfig of ['{"PreSharedKey":"s3cret"', '["PreSharedKey","s3cret"]', '{"PreSharedKey":"s3cret"}']) {
      const { issues } = read(withNi({ instType: 3, cfg: { oconfig } }));
      assert.ok(issues.length > 0);
      assert.ok(!JSON.stringify(issues).includes('s3cret'));
    }
  });
});

describe('bad input in EVE documents', () => {
  const vpn = (oconfig: unknown) =>
    withNi({ instType: 3, cfg: { oconfig: typeof oconfig === 'string' ? oconfig : JSON.stringify(oconfig) } });
  const goodVpn = {
    VpnRole: 'azureClient',
    VpnGatewayIpAddr: '1.2.3.4',
    VpnSubnetBlock: '10.0.0.0/8',
    PreSharedKey: 'k',
  };
  const oconfig = `${NI}.cfg.oconfig`;
  const rows: BadInput[] = [
    {
      title: 'apps that are no list',
      document: eve({ apps: {} }),
      path: 'apps',
      scope: 'document',
      reason: /not a list/,
    },
    {
      title: 'a NI that is no mapping',
      document: eve({ networkInstances: ['x'] }),
      path: NI,
      scope: 'document',
      reason: /not a mapping/,
    },
    {
      title: 'two NIs of one UUID',
      document: eve({ networkInstances: [ni(), ni({ displayname: 'b' })] }),
      path: 'networkInstances[1].uuidandversion.uuid',
      scope: 'document',
      reason: /same UUID/,
    },
    {
      title: 'two NIs of one display name',
      document: eve({ networkInstances: [ni(), ni({ displayname: 'ni1' }, 2)] }),
      path: 'networkInstances[1].displayname',
      scope: 'document',
      reason: /same display name/,
    },
    {
      title: 'two apps of one display name',
      document: eve({ apps: [app([]), app([], { displayname: 'app1' }, 2)] }),
      path: 'apps[1].displayname',
      scope: 'document',
      reason: /same display name/,
    },
    {
      title: 'a NI without UUID',
      document: withNi({ uuidandversion: {} }),
      path: `${NI}.uuidandversion.uuid`,
      scope: 'ni',
      reason: /missing/,
    },
    {
      title: 'a NI UUID that is none',
      document: withNi({ uuidandversion: { uuid: 'x' } }),
      path: `${NI}.uuidandversion.uuid`,
      scope: 'ni',
      reason: /not a UUID/,
    },
    {
      title: 'a type that nibox does not have',
      document: withNi({ instType: 4 }),
      path: `${NI}.instType`,
      scope: 'ni',
      reason: /type 4 \(ZnetInstMesh\) is not supported/,
    },
    {
      title: 'a type that nobody has',
      document: withNi({ instType: 'Fancy' }),
      path: `${NI}.instType`,
      scope: 'ni',
      reason: /one of|type 0/,
    },
    {
      title: 'an address type that nobody has',
      document: withNi({ ipType: 9 }),
      path: `${NI}.ipType`,
      scope: 'ni',
      reason: /not a supported/,
    },
    { title: 'no subnet', document: withNi({ ip: {} }), path: `${NI}.ip.subnet`, scope: 'ni', reason: /missing/ },
    {
      title: 'a subnet too small',
      document: withNi({ ip: { subnet: '10.0.0.0/31' } }),
      path: `${NI}.ip.subnet`,
      scope: 'ni',
      reason: /too small/,
    },
    {
      title: 'a gateway inside the range',
      document: withNi({
        ip: {
          subnet: '10.0.0.0/24',
          gateway: '10.0.0.9',
          dhcp_range: {},
          dhcpRange: { start: '10.0.0.2', end: '10.0.0.99' },
        },
      }),
      path: `${NI}.ip.dhcpRange.start`,
      scope: 'ni',
      reason: /gateway .* inside/,
      others: [`${NI}.ip.dhcp_range`],
    },
    {
      title: 'a wrong type inside a NI',
      document: withNi({ mtu: 'many' }),
      path: `${NI}.mtu`,
      scope: 'ni',
      reason: /whole number/,
    },
    {
      title: 'a subnet that is a number',
      document: withNi({ ip: { subnet: 10 } }),
      path: `${NI}.ip.subnet`,
      scope: 'ni',
      reason: /not text/,
    },
    { title: 'an MTU too small', document: withNi({ mtu: 1279 }), path: `${NI}.mtu`, scope: 'ni', reason: /too small/ },
    {
      title: 'a port that does not exist',
      document: withNi({ port: { name: 'eth9' } }),
      path: `${NI}.port.name`,
      scope: 'ni',
      reason: /no uplink/,
    },
    {
      title: 'a route without destination',
      document: withNi({ static_routes: [{ gateway: '10.10.1.5' }] }),
      path: `${NI}.static_routes[0].destination_network`,
      scope: 'ni',
      reason: /missing/,
    },
    {
      title: 'VPN settings that are missing',
      document: withNi({ instType: 3 }),
      path: oconfig,
      scope: 'ni',
      reason: /missing/,
    },
    {
      title: 'VPN settings that are no object',
      document: vpn('[]'),
      path: oconfig,
      scope: 'ni',
      reason: /not a JSON object/,
    },
    {
      title: 'a VPN without role',
      document: vpn({ ...goodVpn, VpnRole: undefined }),
      path: oconfig,
      scope: 'ni',
      reason: /VpnRole is missing/,
    },
    {
      title: 'a VPN with a role that is none',
      document: vpn({ ...goodVpn, VpnRole: 'boss' }),
      path: oconfig,
      scope: 'ni',
      reason: /not a role/,
    },
    {
      title: 'a VPN without key',
      document: vpn({ ...goodVpn, PreSharedKey: '' }),
      path: oconfig,
      scope: 'ni',
      reason: /PreSharedKey is missing/,
    },
    {
      title: 'a VPN client that calls nobody',
      document: vpn({ ...goodVpn, VpnGatewayIpAddr: '%any' }),
      path: oconfig,
      scope: 'ni',
      reason: /whom to call/,
    },
    {
      title: 'a VPN client without remote subnet',
      document: vpn({ ...goodVpn, VpnSubnetBlock: 'appNet' }),
      path: oconfig,
      scope: 'ni',
      reason: /behind the gateway/,
    },
    {
      title: 'a VPN gateway that is none',
      document: vpn({ ...goodVpn, VpnGatewayIpAddr: 'gw' }),
      path: oconfig,
      scope: 'ni',
      reason: /not an IP/,
    },
    {
      title: 'a VPN client with two clients',
      document: vpn({ ...goodVpn, ClientConfigList: [{}, {}] }),
      path: oconfig,
      scope: 'ni',
      reason: /more than one/,
    },
    {
      title: 'an interface in an unknown NI',
      document: withAdapter({ networkId: uuid(9) }),
      path: `${INTERFACE}.networkId`,
      scope: 'interface',
      reason: /no network instance/,
    },
    {
      title: 'an interface in no NI',
      document: withAdapter({ networkId: '' }),
      path: `${INTERFACE}.networkId`,
      scope: 'interface',
      reason: /missing/,
    },
    {
      title: 'a MAC that is none',
      document: withAdapter({ macAddress: 'x' }),
      path: `${INTERFACE}.macAddress`,
      scope: 'interface',
      reason: /MAC/,
    },
    {
      title: 'a static address in the range',
      document: withAdapter({ addr: '10.10.1.200' }),
      path: `${INTERFACE}.addr`,
      scope: 'interface',
      reason: /inside the DHCP range/,
    },
    {
      title: 'a static IPv6 address without IPv6',
      document: withAdapter({ addr: 'fd00::5' }),
      path: `${INTERFACE}.addr`,
      scope: 'interface',
      reason: /has no IPv6/,
    },
    {
      title: 'a wrong type inside an interface',
      document: withAdapter({ name: 7 }),
      path: `${INTERFACE}.name`,
      scope: 'interface',
      reason: /not text/,
    },
    {
      title: 'a wrong type inside an app',
      document: eve({ networkInstances: [ni()], apps: [app([{ networkId: uuid(1) }], { activate: 'yes' })] }),
      path: 'apps[0].activate',
      scope: 'interface',
      reason: /true or false/,
    },
    {
      title: 'a match type that is none',
      document: withAce({ matches: [{ type: 'prot', value: 'tcp' }] }),
      path: `${INTERFACE}.acls[0].matches[0].type`,
      scope: 'interface',
      reason: /not a type/,
    },
    {
      title: 'two matches of one type',
      document: withAce({ matches: ['1.1.1.1', '1.1.1.2'].map(value => ({ type: 'ip', value })) }),
      path: `${INTERFACE}.acls[0].matches[1].value`,
      scope: 'interface',
      reason: /already has/,
    },
    {
      title: 'two actions in one',
      document: withAce({ actions: [{ drop: true, limit: true, limitrate: 1, limitunit: 's' }] }),
      path: `${INTERFACE}.acls[0].actions[0].limit`,
      scope: 'interface',
      reason: /one action/,
    },
    {
      title: 'two actions in two',
      document: withAce({ actions: [{}, { drop: true }] }),
      path: `${INTERFACE}.acls[0].actions[1].drop`,
      scope: 'interface',
      reason: /one action/,
    },
    {
      title: 'a limit without rate',
      document: withAce({ actions: [{ limit: true, limitunit: 's' }] }),
      path: `${INTERFACE}.acls[0].actions[0].limitrate`,
      scope: 'interface',
      reason: /no rate/,
    },
    {
      title: 'a port map without port',
      document: withAce({
        matches: [
          { type: 'protocol', value: 'tcp' },
          { type: 'lport', value: '80' },
        ],
        actions: [{ portmap: true }],
      }),
      path: `${INTERFACE}.acls[0].actions[0].appPort`,
      scope: 'interface',
      reason: /missing/,
    },
    {
      title: 'an adapter of a reserved name',
      document: eve({ systemAdapterList: [{ name: 'uplink' }] }),
      path: 'systemAdapterList[0].name',
      scope: 'warning',
      reason: /meaning of its own/,
    },
    {
      title: 'an adapter of an unknown network',
      document: eve({ systemAdapterList: [{ name: 'eth0', networkUUID: uuid(7) }] }),
      path: 'systemAdapterList[0].networkUUID',
      scope: 'warning',
      reason: /no network/,
    },
    {
      title: 'a device UUID that is none',
      document: { ...eve({}), id: { uuid: 'x' } },
      path: 'id.uuid',
      scope: 'warning',
      reason: /not a UUID/,
    },
    {
      title: 'a route by port alone',
      document: withNi({ static_routes: [{ destination_network: '10.0.0.0/8', port: 'eth0' }] }),
      path: `${NI}.static_routes[0].port`,
      scope: 'warning',
      reason: /not used yet/,
    },
  ];
  for (const row of rows) it(`tells of ${row.title} as ${row.scope}`, () => void expectIssue(row));

  it('does not warn of what it refuses already', () => {
    const { issues } = read(withNi({ displayname: 5 }));
    assert.deepEqual(
      issues.map(({ scope, path }) => `${scope} ${path}`),
      [`ni ${NI}.displayname`],
    );
  });

  it('keeps the rest of the device when one NI and one app are wrong', () => {
    const { config } = readConfigText(
      JSON.stringify(
        eve({
          networkInstances: [ni({ mtu: {}, ip: 5 }), ni({}, 2)],
          apps: [app([{ networkId: uuid(2), acls: 7 }]), app([{ networkId: uuid(2) }], {}, 2), app(5, {}, 3)],
        }),
      ),
    );
    assert.deepEqual(
      config!.networkInstances.map(({ issues }) => issues.length > 0),
      [true, false],
    );
    assert.deepEqual(
      config!.apps.map(({ interfaces }) => interfaces.map(({ issues }) => issues.length > 0)),
      [[true], [false], []],
    );
  });
});
