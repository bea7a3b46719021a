import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BadInput, expectIssue, read } from './expect.ts';

type Json = Record<string, unknown>;

const ni = (more: Json = {}): Json => ({ name: 'ni1', port: 'eth0', subnet: '10.10.1.0/24', ...more });
const withNi = (more: Json): Json => ({ networkInstances: [ni(more)] });
const withInterface = (more: Json, niMore: Json = {}): Json => ({
  networkInstances: [ni(niMore)],
  apps: [{ name: 'app1', interfaces: [{ networkInstance: 'ni1', ...more }] }],
});
const twoInterfaces = (first: Json, second: Json, niMore: Json = {}): Json => ({
  networkInstances: [ni(niMore)],
  apps: [
    { name: 'app1', interfaces: [{ networkInstance: 'ni1', ...first }] },
    { name: 'app2', interfaces: [{ networkInstance: 'ni1', ...second }] },
  ],
});
const withUplinks = (uplinks: unknown, port = 'eth0'): Json => ({ uplinks, networkInstances: [ni({ port })] });

const NI = 'networkInstances[0]';
const INTERFACE = 'apps[0].interfaces[0]';

const documents: BadInput[] = [
  {
    title: 'an unknown key',
    document: { networkInstance: [] },
    path: 'networkInstance',
    scope: 'document',
    reason: /known key/,
  },
  { title: 'a list of apps that is none', document: { apps: 5 }, path: 'apps', scope: 'document', reason: /a number/ },
  {
    title: 'a NI that is no mapping',
    document: { networkInstances: [5] },
    path: NI,
    scope: 'document',
    reason: /a number/,
  },
  {
    title: 'a NI without a name',
    document: { networkInstances: [{}] },
    path: `${NI}.name`,
    scope: 'document',
    reason: /missing/,
  },
  {
    title: 'a name with a slash',
    document: withNi({ name: 'a/b' }),
    path: `${NI}.name`,
    scope: 'document',
    reason: /written/,
  },
  {
    title: 'a name of 64 characters',
    document: withNi({ name: 'n'.repeat(64) }),
    path: `${NI}.name`,
    scope: 'document',
    reason: /written/,
  },
  {
    title: 'a type of NI that is none',
    document: withNi({ type: 'bridge' }),
    path: `${NI}.type`,
    scope: 'document',
    reason: /not one/,
  },
  {
    title: 'a UUID that is none',
    document: withNi({ uuid: '1' }),
    path: `${NI}.uuid`,
    scope: 'document',
    reason: /written/,
  },
  {
    title: 'an MTU in words',
    document: withNi({ mtu: '1500' }),
    path: `${NI}.mtu`,
    scope: 'document',
    reason: /is text/,
  },
  {
    title: 'a flag in words',
    document: withNi({ flowLog: 'yes' }),
    path: `${NI}.flowLog`,
    scope: 'document',
    reason: /is text/,
  },
  {
    title: 'two NIs of one name',
    document: { networkInstances: [ni(), ni()] },
    path: 'networkInstances[1].name',
    scope: 'document',
    reason: /same name \(networkInstances\[0\]\)/,
  },
  {
    title: 'two NIs of one UUID in different case',
    document: {
      networkInstances: [
        ni({ uuid: '6BA7B810-9dad-11d1-80b4-00c04fd430c8' }),
        ni({ name: 'ni2', uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8' }),
      ],
    },
    path: 'networkInstances[1].uuid',
    scope: 'document',
    reason: /same uuid/,
  },
  {
    title: 'two apps of one name',
    document: { apps: [{ name: 'a' }, { name: 'a' }] },
    path: 'apps[1].name',
    scope: 'document',
    reason: /same name/,
  },
  {
    title: 'an interface in an unknown NI',
    document: withInterface({ networkInstance: 'ni2' }),
    path: `${INTERFACE}.networkInstance`,
    scope: 'document',
    reason: /no network instance/,
  },
  {
    title: 'two interfaces of one device',
    document: {
      networkInstances: [ni()],
      apps: [{ name: 'a', interfaces: [{ networkInstance: 'ni1', device: 'eth1' }, { networkInstance: 'ni1' }] }],
    },
    path: 'apps[0].interfaces[1]',
    scope: 'document',
    reason: /same device/,
  },
  {
    title: 'two interfaces of one name in one NI',
    document: {
      networkInstances: [ni()],
      apps: [
        {
          name: 'a',
          interfaces: [
            { networkInstance: 'ni1', name: 'x' },
            { networkInstance: 'ni1', name: 'x' },
          ],
        },
      ],
    },
    path: 'apps[0].interfaces[1].name',
    scope: 'document',
    reason: /same name/,
  },
  {
    title: 'an app attached in two ways',
    document: { apps: [{ name: 'a', attach: { pid: 1, tap: true } }] },
    path: 'apps[0].attach',
    scope: 'document',
    reason: /one way/,
  },
  {
    title: 'an owner of no TAP',
    document: { apps: [{ name: 'a', attach: { pid: 1, user: 'kvm' } }] },
    path: 'apps[0].attach.user',
    scope: 'document',
    reason: /only a TAP/,
  },
  {
    title: 'a TAP owner that is no user',
    document: { apps: [{ name: 'a', attach: { tap: true, user: 'kvm mode tun' } }] },
    path: 'apps[0].attach.user',
    scope: 'document',
    reason: /not a user/,
  },
  {
    title: 'an app attached to a relative path',
    document: { apps: [{ name: 'a', attach: { netns: 'run/x' } }] },
    path: 'apps[0].attach.netns',
    scope: 'document',
    reason: /not a network namespace/,
  },
  {
    title: 'an app attached to no process',
    document: { apps: [{ name: 'a', attach: { pid: 0 } }] },
    path: 'apps[0].attach.pid',
    scope: 'document',
    reason: /process id/,
  },
  {
    title: 'uplinks that are text',
    document: { uplinks: 'eth0' },
    path: 'uplinks',
    scope: 'document',
    reason: /is text/,
  },
  {
    title: 'an uplink without an interface',
    document: withUplinks([{ cost: 1 }]),
    path: 'uplinks[0]',
    scope: 'document',
    reason: /names no interface/,
    others: [`${NI}.port`],
  },
  {
    title: 'two uplinks of one interface',
    document: withUplinks([{ interface: 'eth0' }, { interface: 'eth0', label: 'b' }]),
    path: 'uplinks[1].interface',
    scope: 'document',
    reason: /has this interface/,
  },
  {
    title: 'two uplinks of one label',
    document: withUplinks([{ interface: 'eth0' }, { interface: 'eth1', label: 'eth0' }]),
    path: 'uplinks[1].label',
    scope: 'document',
    reason: /has this label/,
  },
  {
    title: 'an uplink with a reserved label',
    document: withUplinks({ eth0: null, uplink: { interface: 'eth1' } }),
    path: 'uplinks.uplink',
    scope: 'document',
    reason: /meaning of its own/,
  },
  {
    title: 'an interface name that is none',
    document: withUplinks({ eth0: { interface: 'a name far too long' } }),
    path: 'uplinks.eth0.interface',
    scope: 'document',
    reason: /name of an interface/,
  },
  {
    title: 'an uplink gateway with a prefix length',
    document: withUplinks({ eth0: { gateway: '192.168.0.1/24' } }),
    path: 'uplinks.eth0.gateway',
    scope: 'document',
    reason: /not an IP address/,
  },
  {
    title: 'a DNS server by name',
    document: withUplinks({ eth0: { dns: ['one.one'] } }),
    path: 'uplinks.eth0.dns[0]',
    scope: 'document',
    reason: /not an IP address/,
  },
  {
    title: 'a negative cost',
    document: withUplinks({ eth0: { cost: -1 } }),
    path: 'uplinks.eth0.cost',
    scope: 'document',
    reason: /cost/,
  },
  {
    title: 'a transit pool that is no network',
    document: { transitPool: '169.254.64.0' },
    path: 'transitPool',
    scope: 'document',
    reason: /not an IPv4 network/,
  },
  {
    title: 'a transit pool with too little room',
    document: { transitPool: '169.254.64.0/30', networkInstances: [ni(), ni({ name: 'ni2' })] },
    path: 'transitPool',
    scope: 'document',
    reason: /room for 1 .* there are 2/,
  },
  {
    title: 'a uid base of real users',
    document: { uidBase: 1000 },
    path: 'uidBase',
    scope: 'document',
    reason: /first uid/,
  },
];

const networkInstances: BadInput[] = [
  {
    title: 'no subnet',
    document: { networkInstances: [{ name: 'a' }] },
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /missing/,
  },
  {
    title: 'a subnet that is none',
    document: withNi({ subnet: '10.10.1' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /not an IPv4/,
  },
  {
    title: 'a subnet of two addresses',
    document: withNi({ subnet: '10.0.0.0/31' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /too small \(2 addresses, 4/,
  },
  {
    title: 'all addresses there are',
    document: withNi({ subnet: '0.0.0.0/0' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /too large/,
  },
  {
    title: 'a loopback subnet',
    document: withNi({ subnet: '127.1.0.0/16' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /loopback/,
  },
  {
    title: 'a subnet around the metadata server',
    document: withNi({ subnet: '169.254.0.0/16' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /metadata/,
  },
  {
    title: 'a subnet in the transit pool',
    document: withNi({ subnet: '169.254.64.0/24' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /transit pool/,
  },
  {
    title: 'an IPv6 subnet in the wrong place',
    document: withNi({ subnet: 'fd00::/64' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /not an IPv4/,
  },
  {
    title: 'a link-local IPv6 subnet',
    document: withNi({ subnet6: 'fe80::/64' }),
    path: `${NI}.subnet6`,
    scope: 'ni',
    reason: /link-local/,
  },
  {
    title: 'an IPv6 gateway without its subnet',
    document: withNi({ gateway6: 'fd00::1' }),
    path: `${NI}.subnet6`,
    scope: 'ni',
    reason: /missing/,
  },
  {
    title: 'a gateway outside the subnet',
    document: withNi({ gateway: '10.10.2.1' }),
    path: `${NI}.gateway`,
    scope: 'ni',
    reason: /not inside/,
  },
  {
    title: 'a gateway that is no address',
    document: withNi({ gateway: 'gw' }),
    path: `${NI}.gateway`,
    scope: 'ni',
    reason: /not an IP/,
  },
  {
    title: 'the broadcast address as gateway',
    document: withNi({ gateway: '10.10.1.255' }),
    path: `${NI}.gateway`,
    scope: 'ni',
    reason: /broadcast/,
  },
  {
    title: 'a gateway inside the DHCP range',
    document: withNi({ gateway: '10.10.1.50', dhcpRange: { start: '10.10.1.2', end: '10.10.1.254' } }),
    path: `${NI}.dhcpRange.start`,
    scope: 'ni',
    reason: /gateway 10\.10\.1\.50 is inside/,
  },
  {
    title: 'a range outside the subnet',
    document: withNi({ dhcpRange: { end: '10.10.2.9' } }),
    path: `${NI}.dhcpRange.end`,
    scope: 'ni',
    reason: /not inside/,
  },
  {
    title: 'a range that ends before it starts',
    document: withNi({ dhcpRange: { start: '10.10.1.9', end: '10.10.1.8' } }),
    path: `${NI}.dhcpRange.end`,
    scope: 'ni',
    reason: /ends before/,
  },
  {
    title: 'a range that starts behind the last address',
    document: withNi({ dhcpRange: { start: '10.10.1.255' } }),
    path: `${NI}.dhcpRange.start`,
    scope: 'ni',
    reason: /no address for apps/,
  },
  { title: 'an MTU of 1279', document: withNi({ mtu: 1279 }), path: `${NI}.mtu`, scope: 'ni', reason: /too small/ },
  { title: 'an MTU of 65536', document: withNi({ mtu: 65536 }), path: `${NI}.mtu`, scope: 'ni', reason: /too large/ },
  { title: 'an MTU of 1500.5', document: withNi({ mtu: 1500.5 }), path: `${NI}.mtu`, scope: 'ni', reason: /whole/ },
  {
    title: 'an uplink that does not exist',
    document: withUplinks([{ interface: 'eth0' }], 'eth1'),
    path: `${NI}.port`,
    scope: 'ni',
    reason: /no uplink/,
  },
  {
    title: 'a shared label that no uplink has',
    document: withUplinks([{ interface: 'eth0', labels: [] }], 'uplink'),
    path: `${NI}.port`,
    scope: 'ni',
    reason: /no uplink/,
  },
  {
    title: 'a port that can be no interface',
    document: withNi({ port: 'a/b' }),
    path: `${NI}.port`,
    scope: 'ni',
    reason: /no uplink/,
  },
  {
    title: 'a DNS server that is a name',
    document: withNi({ dns: { servers: ['dns'] } }),
    path: `${NI}.dns.servers[0]`,
    scope: 'ni',
    reason: /IP address/,
  },
  {
    title: 'a domain that is none',
    document: withNi({ dns: { domain: 'a b' } }),
    path: `${NI}.dns.domain`,
    scope: 'ni',
    reason: /domain/,
  },
  {
    title: 'a DNS entry that is none',
    document: withNi({ dns: { hosts: { 'a b': [] } } }),
    path: `${NI}.dns.hosts["a b"]`,
    scope: 'ni',
    reason: /host name/,
  },
  {
    title: 'a DNS entry without address',
    document: withNi({ dns: { hosts: { a: ['x'] } } }),
    path: `${NI}.dns.hosts.a[0]`,
    scope: 'ni',
    reason: /IP address/,
  },
  {
    title: 'an NTP server that is none',
    document: withNi({ ntp: ['a b'] }),
    path: `${NI}.ntp[0]`,
    scope: 'ni',
    reason: /neither/,
  },
  {
    title: 'a route to no network',
    document: withNi({ routes: [{ destination: 'x', gateway: '10.10.1.5' }] }),
    path: `${NI}.routes[0].destination`,
    scope: 'ni',
    reason: /not a network/,
  },
  {
    title: 'a route over 0.0.0.0',
    document: withNi({ routes: [{ destination: '10.0.0.0/8', gateway: '0.0.0.0' }] }),
    path: `${NI}.routes[0].gateway`,
    scope: 'ni',
    reason: /not the address/,
  },
  {
    title: 'a route over the other family',
    document: withNi({ routes: [{ destination: '172.16.0.0/12', gateway: 'fd00::1' }] }),
    path: `${NI}.routes[0].gateway`,
    scope: 'ni',
    reason: /IPv6/,
  },
  {
    title: 'a route behind itself',
    document: withNi({ routes: [{ destination: '172.16.0.0/12', gateway: '172.16.0.1' }] }),
    path: `${NI}.routes[0].gateway`,
    scope: 'ni',
    reason: /behind its own route/,
  },
  {
    title: 'a switch with a subnet',
    document: withNi({ type: 'switch' }),
    path: `${NI}.subnet`,
    scope: 'ni',
    reason: /switch has no addresses/,
  },
  {
    title: 'a VPN without settings',
    document: withNi({ type: 'vpn' }),
    path: `${NI}.vpn`,
    scope: 'ni',
    reason: /missing/,
  },
  {
    title: 'a VPN without a port',
    document: withNi({
      type: 'vpn',
      vpn: { remoteGateway: '192.0.2.1', psk: 'x', remoteSubnet: '10.9.0.0/16' },
      port: null,
    }),
    path: `${NI}.port`,
    scope: 'ni',
    reason: /needs a port/,
  },
  {
    title: 'a local NI with VPN settings',
    document: withNi({ vpn: { psk: 'x' } }),
    path: `${NI}.vpn`,
    scope: 'ni',
    reason: /only a VPN/,
  },
  {
    title: 'a second switch on one uplink',
    document: {
      networkInstances: [
        { name: 'a', type: 'switch', port: 'eth0' },
        { name: 'b', type: 'switch', port: 'eth0' },
      ],
    },
    path: 'networkInstances[1].port',
    scope: 'ni',
    reason: /already used by network instance a/,
  },
  {
    title: 'a switch of several ports that shares one',
    document: {
      uplinks: { eth0: null, eth1: null },
      networkInstances: [ni({ port: 'eth1' }), { name: 'b', type: 'switch', port: 'uplink' }],
    },
    path: 'networkInstances[1].port',
    scope: 'ni',
    reason: /uplink eth1 is already used/,
  },
];

const interfaces: BadInput[] = [
  {
    title: 'a device name with a slash',
    document: withInterface({ device: 'a/b' }),
    path: `${INTERFACE}.device`,
    scope: 'interface',
    reason: /not a name/,
  },
  {
    title: 'a MAC that is none',
    document: withInterface({ mac: '02:16' }),
    path: `${INTERFACE}.mac`,
    scope: 'interface',
    reason: /MAC/,
  },
  {
    title: 'a multicast MAC',
    document: withInterface({ mac: '01:00:5e:00:00:01' }),
    path: `${INTERFACE}.mac`,
    scope: 'interface',
    reason: /MAC/,
  },
  {
    title: 'a static address that is none',
    document: withInterface({ address: '10.10.1.5/24' }),
    path: `${INTERFACE}.address`,
    scope: 'interface',
    reason: /not an IPv4/,
  },
  {
    title: 'a static address in the range',
    document: withInterface({ address: '10.10.1.200' }),
    path: `${INTERFACE}.address`,
    scope: 'interface',
    reason: /inside the DHCP range/,
  },
  {
    title: 'a static address outside the subnet',
    document: withInterface({ address: '10.10.2.5' }),
    path: `${INTERFACE}.address`,
    scope: 'interface',
    reason: /outside the subnet/,
  },
  {
    title: 'the gateway as static address',
    document: withInterface({ address: '10.10.1.1' }),
    path: `${INTERFACE}.address`,
    scope: 'interface',
    reason: /gateway/,
  },
  {
    title: 'the network as static address',
    document: withInterface({ address: '10.10.1.0' }),
    path: `${INTERFACE}.address`,
    scope: 'interface',
    reason: /network address/,
  },
  {
    title: 'the broadcast as static address',
    document: withInterface({ address: '10.10.1.255' }),
    path: `${INTERFACE}.address`,
    scope: 'interface',
    reason: /broadcast/,
  },
  {
    title: 'an IPv6 address without IPv6',
    document: withInterface({ address6: 'fd00::5' }),
    path: `${INTERFACE}.address6`,
    scope: 'interface',
    reason: /has no IPv6/,
  },
  {
    title: 'a VLAN on a local NI',
    document: withInterface({ accessVlan: 7 }),
    path: `${INTERFACE}.accessVlan`,
    scope: 'interface',
    reason: /only interfaces on a switch/,
  },
  {
    title: 'a VLAN out of range',
    document: withInterface({ accessVlan: 4094 }, { type: 'switch', subnet: null }),
    path: `${INTERFACE}.accessVlan`,
    scope: 'interface',
    reason: /not the id/,
  },
  {
    title: 'an address that another app has',
    document: twoInterfaces({ address: '10.10.1.5' }, { address: '10.10.1.5' }),
    path: 'apps[1].interfaces[0].address',
    scope: 'interface',
    reason: /app app1 already has this address/,
  },
  {
    title: 'a MAC that another app has',
    document: twoInterfaces({ mac: '02:16:3e:00:00:01' }, { mac: '02-16-3E-00-00-01' }),
    path: 'apps[1].interfaces[0].mac',
    scope: 'interface',
    reason: /app app1 already has this MAC/,
  },
  {
    title: 'a port map that another app has',
    document: twoInterfaces(
      { acl: [{ protocol: 'tcp', lport: 8080, portmap: 80 }] },
      { acl: [{ protocol: 6, lport: '8080', portmap: 81 }] },
    ),
    path: 'apps[1].interfaces[0].acl[0].lport',
    scope: 'interface',
    reason: /app app1 already has tcp port 8080 of uplink eth0/,
  },
  {
    title: 'one port mapped twice in one interface',
    document: withInterface({ acl: [1, 2].map(portmap => ({ protocol: 'udp', lport: 53, portmap })) }),
    path: `${INTERFACE}.acl[1].lport`,
    scope: 'interface',
    reason: /this interface already has/,
  },
  {
    title: 'an interface beyond the DHCP range',
    document: twoInterfaces({}, {}, { subnet: '10.10.1.0/30' }),
    path: 'apps[1].interfaces[0]',
    scope: 'interface',
    reason: /no address left \(1 in all\)/,
  },
];

describe('bad input in nibox documents', () => {
  for (const row of documents) it(`refuses the document for ${row.title}`, () => void expectIssue(row));
  for (const row of networkInstances) it(`refuses the NI alone for ${row.title}`, () => void expectIssue(row));
  for (const row of interfaces) it(`refuses the interface alone for ${row.title}`, () => void expectIssue(row));

  it('warns of a static address on a switch, which serves none', () => {
    const path = `${INTERFACE}.address`;
    const document = withInterface({ address: '10.1.1.1' }, { type: 'switch', subnet: null });
    const { config } = expectIssue({ title: '', document, path, scope: 'warning', reason: /gives no addresses/ });
    assert.equal(config?.apps[0]?.interfaces[0]?.ipv4, undefined);
  });

  it('suggests the key that was meant', () => {
    const { issues } = read({ networkInstances: [ni({ subnett: '10.0.0.0/8', prot: 'eth0', zzz: 1 })] });
    const remedies = Object.fromEntries(issues.map(issue => [issue.path, issue.remedy]));
    assert.match(remedies[`${NI}.subnett`]!, /did you mean subnet\?/);
    assert.match(remedies[`${NI}.prot`]!, /did you mean port\?/);
    assert.match(remedies[`${NI}.zzz`]!, /known here are name, uuid/);
  });

  it('tells the errors of shape and of sense of all parts together, in the order of the document', () => {
    const { config, issues } = read({
      apps: [
        { name: 'a', interfaces: [{ networkInstance: 'bad', mac: 'x', acl: [{ ip: 7 }, { lport: 80 }] }] },
        { name: 'b', interfaces: [{ networkInstance: 'nowhere' }] },
      ],
      networkInstances: [ni({ mtu: 'x', subnet: '10.0.0.0/31' }), ni({ name: 'bad', mtu: 1, prot: 'eth0' }), {}],
      uidBase: 1,
    });
    assert.equal(config, undefined);
    assert.deepEqual(
      issues.map(({ path, scope }) => `${path} ${scope}`),
      [
        'apps[0].interfaces[0].mac interface',
        'apps[0].interfaces[0].acl[0].ip document',
        'apps[0].interfaces[0].acl[1].lport interface',
        'apps[1].interfaces[0].networkInstance document',
        'networkInstances[0].subnet ni',
        'networkInstances[0].mtu document',
        'networkInstances[1].mtu ni',
        'networkInstances[1].prot document',
        'networkInstances[2].name document',
        'uidBase document',
      ],
    );
  });

  it('does not call missing what it could not read', () => {
    const { issues } = read({
      networkInstances: [ni({ subnet: 5, port: 5 })],
      apps: [{ name: 'a', interfaces: [{ networkInstance: 'ni1', acl: [{ protocol: 'tcp', lport: 1, portmap: 1 }] }] }],
    });
    assert.deepEqual(
      issues.map(({ path }) => path),
      [`${NI}.port`, `${NI}.subnet`],
    );
  });
});

describe('what may look like bad input but is not', () => {
  it('takes one port mapped on each of two uplinks of one NI', () => {
    const map = (name: string, adapter: string) => ({
      name,
      interfaces: [{ networkInstance: 'ni1', acl: [{ protocol: 'tcp', lport: 80, portmap: 80, adapter }] }],
    });
    const uplinks = { eth0: null, eth1: null };
    const document = {
      uplinks,
      networkInstances: [ni({ port: 'uplink' })],
      apps: [map('a', 'eth0'), map('b', 'eth1')],
    };
    assert.deepEqual(read(document).issues, []);
  });

  const good: [string, unknown][] = [
    [
      'overlapping subnets',
      { networkInstances: [ni(), ni({ name: 'ni2' }), ni({ name: 'ni3', subnet: '10.0.0.0/8' })] },
    ],
    [
      'the same static address in two NIs',
      {
        networkInstances: [ni(), ni({ name: 'ni2' })],
        apps: ['ni1', 'ni2'].map(name => ({ name, interfaces: [{ networkInstance: name, address: '10.10.1.5' }] })),
      },
    ],
    [
      'one port mapped for two protocols',
      withInterface({
        acl: ['tcp', 'udp'].map(protocol => ({ protocol, lport: 53, portmap: 53 })),
      }),
    ],
    [
      'one port mapped on two uplinks',
      {
        networkInstances: [ni(), ni({ name: 'ni2', port: 'eth1' })],
        apps: ['ni1', 'ni2'].map(name => ({
          name,
          interfaces: [{ networkInstance: name, acl: [{ protocol: 'tcp', lport: 80, portmap: 80 }] }],
        })),
      },
    ],
    [
      'a port map of an app that is not active',
      {
        networkInstances: [ni()],
        apps: [true, false].map(activate => ({
          name: `app-${activate}`,
          activate,
          interfaces: [{ networkInstance: 'ni1', acl: [{ protocol: 'tcp', lport: 80, portmap: 80 }] }],
        })),
      },
    ],
    ['empty sections', { uplinks: null, networkInstances: null, apps: null, device: null }],
    ['an app without interfaces', { apps: [{ name: 'a' }] }],
    ['a route to everything over a gateway', withNi({ routes: [{ destination: '0.0.0.0/0', gateway: '10.10.1.5' }] })],
    [
      'a local NI beside a switch of one port',
      {
        networkInstances: [ni(), { name: 's', type: 'switch', port: 'eth0' }],
      },
    ],
  ];
  for (const [title, document] of good) {
    it(`takes ${title}`, () => {
      const { config, issues } = read(document);
      assert.deepEqual(issues, []);
      assert.ok(config);
    });
  }

  it('lets the first of two port maps work when the second is refused, and frees what a refused interface wanted', () => {
    const map = (more: Json = {}) => ({
      networkInstance: 'ni1',
      acl: [{ protocol: 'tcp', lport: 80, portmap: 80 }],
      ...more,
    });
    const { config } = read({
      networkInstances: [ni()],
      apps: [
        { name: 'broken', interfaces: [map({ mac: 'x' })] },
        { name: 'first', interfaces: [map()] },
        { name: 'second', interfaces: [map()] },
      ],
    });
    const refused = config!.apps.map(app => app.interfaces[0]!.issues.length > 0);
    assert.deepEqual(refused, [true, false, true]);
  });
});
