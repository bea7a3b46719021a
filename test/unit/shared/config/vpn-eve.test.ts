import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { readConfigText } from '../../../../shared/config/index.ts';
import type { VpnTunnel } from '../../../../shared/config/model.ts';
import { ESP_PROPOSALS, IKE_PROPOSALS } from '../../../../shared/config/vpn/defaults.ts';
import { type BadInput, expectIssue, read } from './expect.ts';

type Json = Record<string, unknown>;

const KEY = 'x9-Zq7-Lmw2-Uv4';
const PATH = 'networkInstances[0].cfg.oconfig';

const document = (oconfig: unknown, more: Json = {}): Json => ({
  systemAdapterList: [{ name: 'eth0', uplink: true }],
  networkInstances: [
    {
      uuidandversion: { uuid: '00000000-0000-4000-8000-000000000001' },
      displayname: 'ni1',
      instType: 3,
      activate: true,
      port: { name: 'eth0' },
      ipType: 1,
      ip: { subnet: '10.10.10.0/24' },
      cfg: { type: 0, oconfig: typeof oconfig === 'string' ? oconfig : JSON.stringify(oconfig) },
      ...more,
    },
  ],
});

const client = (more: Json = {}, entry: Json = {}): Json => ({
  VpnRole: 'onPremClient',
  PolicyBased: false,
  VpnGatewayIpAddr: '192.168.111.1',
  VpnSubnetBlock: '192.168.0.0/24',
  PreSharedKey: KEY,
  LocalSubnetBlock: '10.10.10.0/24',
  ClientConfigList: [{ IpAddr: 'upLink', SubnetBlock: 'appNet', PreSharedKey: KEY, ...entry }],
  ...more,
});
const aws = (more: Json = {}, entry: Json = {}) =>
  client(
    { VpnRole: 'awsClient', VpnLocalIpAddr: '169.254.10.2/30', VpnRemoteIpAddr: '169.254.10.1/30', ...more },
    entry,
  );
const server = (clients: Json[], more: Json = {}): Json => ({
  VpnRole: 'onPremServer',
  PolicyBased: false,
  VpnGatewayIpAddr: 'upLink',
  VpnSubnetBlock: 'appNet',
  PreSharedKey: KEY,
  ClientConfigList: clients,
  ...more,
});

function tunnelsOf(oconfig: Json): VpnTunnel[] {
  const { config, issues } = read(document(oconfig));
  assert.deepEqual(issues, []);
  return config!.networkInstances[0]!.vpn!.tunnels;
}

const base: VpnTunnel = {
  name: 'onPremClient_0',
  role: 'client',
  mode: 'policy',
  ikeVersion: 2,
  remoteGateway: '192.168.111.1',
  localId: '',
  remoteId: '',
  auth: { kind: 'psk', secret: KEY },
  localSubnets: ['10.10.10.0/24'],
  remoteSubnets: ['192.168.0.0/24'],
  ikeProposals: [...IKE_PROPOSALS[2]],
  espProposals: [...ESP_PROPOSALS[2]],
  ikeRekey: 14400,
  espRekey: 3600,
  dpdDelay: 10,
};

describe("EVE's opaque VPN settings", () => {
  it('of an onPremClient make a tunnel with modern proposals, PolicyBased or not', () => {
    for (const PolicyBased of [true, false]) assert.deepEqual(tunnelsOf(client({ PolicyBased })), [base]);
  });

  it('of an azureClient likewise, also when the one key is at the top and nothing is said of this device', () => {
    const oconfig = { ...client({ VpnRole: 'azureClient' }), ClientConfigList: undefined, LocalSubnetBlock: '' };
    assert.deepEqual(tunnelsOf(oconfig), [{ ...base, name: 'azureClient_0' }]);
  });

  it('of an awsClient make a route-based tunnel with link-local addresses to whoever has the key', () => {
    const expected = {
      ...{ ...base, name: 'awsClient_0', mode: 'route' as const, remoteId: '%any' },
      ...{ tunnelAddress: '169.254.10.2/30', tunnelPeer: '169.254.10.1' },
    };
    assert.deepEqual(tunnelsOf(aws({ PolicyBased: true })), [expected]);
    const TunnelConfig = { LocalIpAddr: '169.254.10.2/30', RemoteIpAddr: '169.254.10.1/30', Name: 'x', Mtu: '1' };
    const inEntry = aws({ VpnLocalIpAddr: undefined, VpnRemoteIpAddr: undefined }, { TunnelConfig });
    assert.deepEqual(tunnelsOf(inEntry), [expected]);
  });

  it('of an onPremServer make a tunnel for each client, and one for all that come from anywhere', () => {
    const clients = [
      { IpAddr: '%any', SubnetBlock: '10.20.0.0/24' },
      { IpAddr: '203.0.113.7', SubnetBlock: '10.21.0.0/24', PreSharedKey: 'other' },
      { SubnetBlock: '10.22.0.0/24' },
    ];
    const any: VpnTunnel = { ...base, name: 'onPremServer_0', role: 'server', remoteGateway: '%any' };
    assert.deepEqual(tunnelsOf(server(clients)), [
      { ...any, remoteSubnets: ['10.20.0.0/24', '10.22.0.0/24'] },
      {
        ...any,
        name: 'onPremServer_1',
        remoteGateway: '203.0.113.7',
        auth: { kind: 'psk', secret: 'other' },
        remoteSubnets: ['10.21.0.0/24'],
      },
    ]);
  });

  it('use addresses of this device as its name', () => {
    assert.equal(tunnelsOf(client({}, { IpAddr: '192.168.1.2' }))[0]!.localId, '192.168.1.2');
    const [called] = tunnelsOf(server([{ SubnetBlock: '10.20.0.0/24' }], { VpnGatewayIpAddr: '192.168.1.2' }));
    assert.equal(called!.localId, '192.168.1.2');
  });

  it('of a policy-based server take clients with any networks', () => {
    const [called] = tunnelsOf(server([{ IpAddr: '203.0.113.7' }], { PolicyBased: true }));
    assert.deepEqual(called!.remoteSubnets, ['0.0.0.0/0']);
  });

  it('have field names in any case, null for nothing, and nibox fields for what is to be old', () => {
    const legacy = { IKEversion: 1, ikeproposals: 'aes128-sha1-modp1024', EspProposals: ['aes128-sha1-modp1024', ''] };
    const oconfig = Object.fromEntries(Object.entries(client()).map(([key, value]) => [key.toUpperCase(), value]));
    const { config, issues } = read(document({ ...oconfig, ...legacy, LocalBreakout: true, VpnLocalIpAddr: null }));
    assert.deepEqual(
      issues.map(({ scope, reason }) => `${scope} ${reason.slice(0, 16)}`),
      ['warning IKEv1 is obsolet', 'warning sha1 is based on', 'warning sha1 is based on'],
    );
    const { vpn } = config!.networkInstances[0]!;
    assert.equal(vpn!.localBreakout, true);
    const [tunnel] = vpn!.tunnels;
    assert.deepEqual([tunnel!.ikeVersion, tunnel!.ikeProposals], [1, ['aes128-sha1-modp1024']]);
    assert.deepEqual(tunnel!.espProposals, ['aes128-sha1-modp1024']);
  });

  it('warn of unknown fields, once for each kind of place and without values', () => {
    const clients = [1, 2].map(n => ({ IpAddr: `203.0.113.${n}`, SubnetBlock: `10.2${n}.0.0/24`, Preshared: KEY }));
    const { config, issues } = read(document(server(clients, { Colour: KEY })));
    assert.deepEqual(config!.networkInstances[0]!.issues, []);
    assert.deepEqual(
      issues.map(({ scope, path, value, reason }) => [scope, path, value, reason.split(' ')[0]]),
      [
        ['warning', PATH, '', '"Colour"'],
        ['warning', PATH, '', 'ClientConfigList[0]."Preshared"'],
      ],
    );
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`unknown${n}`, 1]));
    assert.equal(read(document(client(many))).issues.length, 20);
  });

  const path = fileURLToPath(new URL('../../../../../shared/evenet/scenario.json', import.meta.url));
  it('make the VPNs of the scenario valid when they are put in', {
    skip: existsSync(path) ? false : 'the scenario is not beside this checkout',
  }, () => {
    const scenario = JSON.parse(readFileSync(path, 'utf8')) as { networkInstances: { cfg: Json }[] };
    scenario.networkInstances[3]!.cfg.oconfig = JSON.stringify(client());
    scenario.networkInstances[4]!.cfg.oconfig = JSON.stringify(client({ VpnGatewayIpAddr: '192.168.222.1' }));
    const { config, issues } = read(scenario);
    assert.deepEqual(
      issues.map(({ scope }) => scope),
      ['warning'],
    );
    assert.deepEqual(config!.networkInstances[3]!.vpn!.tunnels, [base]);
    assert.deepEqual(config!.networkInstances[4]!.vpn!.tunnels, [{ ...base, remoteGateway: '192.168.222.1' }]);
  });
});

const one = (more: Json = {}): Json[] => [{ IpAddr: '203.0.113.7', SubnetBlock: '10.20.0.0/24', ...more }];
const rows: [string, unknown, RegExp][] = [
  ['nothing', '', /settings are missing/],
  ['no JSON', 'TODO - VPN opaque config', /not JSON/],
  ['JSON that is cut off', JSON.stringify(client()).slice(0, -1), /not JSON/],
  ['a list', [client()], /not a JSON object/],
  ['no role', client({ VpnRole: undefined }), /VpnRole is missing/],
  ['a role that is none', client({ VpnRole: 'boss' }), /VpnRole is not a role/],
  ['a role that every object has', client({ VpnRole: 'constructor' }), /VpnRole is not a role/],
  ['a flag in words', client({ PolicyBased: 'false' }), /PolicyBased is not true or false/],
  ['a key that is a number', client({ PreSharedKey: 5 }), /PreSharedKey is not text/],
  ['clients that are no list', client({ ClientConfigList: {} }), /ClientConfigList is not a list of objects/],
  ['a client that is no object', client({ ClientConfigList: [KEY] }), /ClientConfigList is not a list of objects/],
  ['no key anywhere', client({ PreSharedKey: '' }, { PreSharedKey: '' }), /PreSharedKey is missing/],
  ['two clients of a client', client({ ClientConfigList: [{}, {}] }), /more than one entry/],
  ['no gateway', client({ VpnGatewayIpAddr: '' }), /whom to call/],
  ['a gateway that is anybody', client({ VpnGatewayIpAddr: '%any' }), /whom to call/],
  ['a gateway that is this device', client({ VpnGatewayIpAddr: 'upLink' }), /whom to call/],
  ['a gateway that is no address', client({ VpnGatewayIpAddr: 'gw' }), /VpnGatewayIpAddr is not an IP address/],
  ['a gateway on the loopback', client({ VpnGatewayIpAddr: '127.0.0.1' }), /VpnGatewayIpAddr is a loopback/],
  ['a gateway that is a group', client({ VpnGatewayIpAddr: '239.1.1.1' }), /VpnGatewayIpAddr is a multicast/],
  ['no subnet behind the gateway', client({ VpnSubnetBlock: '' }), /behind the gateway/],
  ['the own subnet by name behind', client({ VpnSubnetBlock: 'appNet' }), /behind the gateway/],
  ['a subnet behind that is none', client({ VpnSubnetBlock: '192.168.0.0' }), /VpnSubnetBlock is not a subnet/],
  ['the own subnet behind', client({ VpnSubnetBlock: '10.10.10.0/24' }), /VpnSubnetBlock is the same subnet/],
  ['a part of the own subnet behind', client({ VpnSubnetBlock: '10.10.10.0/25' }), /same subnet as this network/],
  ['a client with another subnet', client({}, { SubnetBlock: '10.10.11.0/24' }), /SubnetBlock is not the network/],
  ['another subnet on this side', client({ LocalSubnetBlock: '10.9.0.0/16' }), /LocalSubnetBlock is not the network/],
  ['a client with a wrong address', client({}, { IpAddr: '0.0.0.0' }), /ClientConfigList\[0\]\.IpAddr is no address/],
  ['AWS without addresses', aws({ VpnRemoteIpAddr: '' }), /addresses of both ends/],
  ['AWS with an address without length', aws({ VpnLocalIpAddr: '169.254.10.2' }), /VpnLocalIpAddr is not a link-local/],
  ['AWS with a global address', aws({ VpnRemoteIpAddr: '192.0.2.1/30' }), /VpnRemoteIpAddr is not a link-local/],
  [
    'AWS with a wrong address in the entry',
    aws({}, { TunnelConfig: { LocalIpAddr: 'x' } }),
    /ClientConfigList\[0\]\.TunnelConfig\.LocalIpAddr is not a link-local/,
  ],
  ['AWS without a key in the entry', aws({}, { PreSharedKey: '' }), /awsClient needs PreSharedKey in its entry/],
  ['a server that nobody may call', server([]), /ClientConfigList is empty/],
  ['a server with a wrong address', server(one(), { VpnGatewayIpAddr: 'x' }), /VpnGatewayIpAddr is not an IP/],
  [
    'a server with another subnet',
    server(one(), { VpnSubnetBlock: '10.1.0.0/16' }),
    /VpnSubnetBlock is not the network/,
  ],
  ['a server without keys', server(one(), { PreSharedKey: '' }), /ClientConfigList\[0\] has no PreSharedKey/],
  ['a caller that is this device', server(one({ IpAddr: 'upLink' })), /IpAddr is this device's own/],
  ['a caller that is no address', server(one({ IpAddr: 'x' })), /ClientConfigList\[0\]\.IpAddr is not an IP/],
  ['a route to nowhere', server(one({ SubnetBlock: '' })), /SubnetBlock is missing: a route/],
  ['a caller with the own subnet', server(one({ SubnetBlock: 'appNet' })), /SubnetBlock is the same subnet/],
  [
    'a caller given twice',
    server([...one(), ...one({ SubnetBlock: '10.21.0.0/24' })]),
    /\[1\]\.IpAddr was given before/,
  ],
  ['a subnet given twice', server([...one(), ...one({ IpAddr: '203.0.113.8' })]), /\[1\]\.SubnetBlock was given/],
  [
    'subnets of callers that overlap',
    server([...one(), ...one({ IpAddr: '203.0.113.8', SubnetBlock: '10.20.0.128/25' })]),
    /tunnel onPremServer_0 already leads to/,
  ],
  [
    'callers from anywhere with different keys',
    server([{ SubnetBlock: '10.20.0.0/24' }, { SubnetBlock: '10.21.0.0/24', PreSharedKey: 'other' }]),
    /\[1\] may call from anywhere, but its PreSharedKey differs/,
  ],
  ['a proposal with an unknown word', client({ IkeProposals: 'aes256-sha1-modp9' }), /unknown word: "modp9"/],
  ['a version of IKE that is none', client({ IkeVersion: 4 }), /not a version of IKE/],
  ['proposals that are no text', client({ EspProposals: [1] }), /EspProposals is not text or a list of texts/],
];

describe('bad input in opaque VPN settings', () => {
  for (const [title, oconfig, reason] of rows) {
    it(`refuses the NI alone, in own words and without its key: ${title}`, () => {
      const row: BadInput = { title, document: document(oconfig), path: PATH, scope: 'ni', reason };
      const found = expectIssue(row).issues;
      assert.equal(JSON.stringify(found).includes(KEY), false);
    });
  }

  it('has a subnet of IPv6 refused', () => {
    const more = { ipType: 2, ip: { subnet: 'fd00::/64' } };
    const { issues } = read(document(client(), more));
    assert.deepEqual(
      issues.map(({ scope, path }) => `${scope} ${path}`),
      ['ni networkInstances[0].ip.subnet', `ni ${PATH}`],
    );
  });

  it('may be settings that are no text: not shown', () => {
    const { issues } = read(document('', { cfg: { oconfig: { PreSharedKey: KEY } } }));
    assert.equal(issues.length, 1);
    assert.equal(issues[0]!.value, '(hidden)');
  });

  it('may be a lone key, or text around one: not shown', () => {
    for (const text of [KEY, `"${KEY}"`, `psk ${KEY}`, `${KEY} `, 'one{"two"']) {
      const { issues } = read(document(text));
      assert.deepEqual(
        issues.map(({ value }) => value),
        ['(hidden)'],
      );
    }
  });

  it('gives a VPN or a reason why not, never an exception and never the key: any JSON', () => {
    const names = [
      ...Object.keys(server([])),
      'IkeVersion',
      'IkeProposals',
      'VpnLocalIpAddr',
      'TunnelConfig',
      'IpAddr',
    ];
    const words = ['upLink', 'appNet', '%any', 'awsClient', 'onPremServer', 'azureClient', '10.1.0.0/16', '192.0.2.9'];
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(...words, '169.254.1.1/30', '', null, true, 1, 2, 1e300),
        fc.string(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(fc.constantFrom(...names, 'SubnetBlock', '__proto__'), fc.string()), tie('value')),
      ),
    }));
    const changed = fc
      .tuple(fc.constantFrom(client(), aws(), server(one())), fc.dictionary(fc.constantFrom(...names), value))
      .map(([settings, changes]) => ({ ...settings, ...changes }));
    fc.assert(
      fc.property(fc.oneof(value, changed), oconfig => {
        const { config, issues } = readConfigText(JSON.stringify(document(oconfig)));
        const [ni] = config!.networkInstances;
        assert.equal(ni!.vpn === undefined && ni!.issues.length === 0, false);
        assert.doesNotMatch(JSON.stringify(issues), /x9-Zq7-Lmw2-Uv4|undefined|\[object|NaN/);
      }),
      { numRuns: 2000 },
    );
  });
});
