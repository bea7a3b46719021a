import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, mock } from 'node:test';
import { formatIssue, readConfigText } from '../../../../shared/config/index.ts';
import type { VpnConfig } from '../../../../shared/config/model.ts';
import { ESP_PROPOSALS, IKE_PROPOSALS } from '../../../../shared/config/vpn/defaults.ts';
import { makeCertificates, type TestCertificates } from './certificates.ts';
import { type BadInput, expectIssue, read, readValid } from './expect.ts';

type Json = Record<string, unknown>;

const SECRET = 'x9-Zq7-Lmw2-Uv4';
const client: Json = { remoteGateway: '192.0.2.1', psk: SECRET, remoteSubnet: '192.168.0.0/24' };
const ni = (vpn: unknown, more: Json = {}): Json => ({
  name: 'ni1',
  type: 'vpn',
  port: 'eth0',
  subnet: '10.10.10.0/24',
  vpn,
  ...more,
});
const withVpn = (vpn: unknown, more: Json = {}): Json => ({ networkInstances: [ni(vpn, more)] });
const withTunnel = (more: Json): Json => withVpn({ ...client, ...more });
const withTunnels = (...tunnels: Json[]): Json =>
  withVpn({ tunnels: tunnels.map((tunnel, index) => ({ name: `t${index}`, ...client, ...tunnel })) });
const VPN = 'networkInstances[0].vpn';

const vpnOf = (document: unknown): VpnConfig => readValid(document).networkInstances[0]!.vpn!;

describe('the VPN of a network instance', () => {
  it('needs three lines for one tunnel; the rest is modern', () => {
    assert.deepEqual(vpnOf(withVpn(client)), {
      localBreakout: false,
      tunnels: [
        {
          name: 'vpn',
          role: 'client',
          mode: 'policy',
          ikeVersion: 2,
          remoteGateway: '192.0.2.1',
          localId: '',
          remoteId: '',
          auth: { kind: 'psk', secret: SECRET },
          localSubnets: ['10.10.10.0/24'],
          remoteSubnets: ['192.168.0.0/24'],
          ikeProposals: IKE_PROPOSALS[2],
          espProposals: ESP_PROPOSALS[2],
          ikeRekey: 14400,
          espRekey: 3600,
          dpdDelay: 10,
        },
      ],
    });
  });

  it('has several tunnels in a list, each with all options', () => {
    const all = {
      name: 'hq_1',
      role: 'client',
      mode: 'route',
      ikeVersion: 2,
      remoteGateway: '192.0.2.9',
      localId: 'CN=a, O=b',
      remoteId: '%any',
      psk: SECRET,
      localSubnets: ['10.10.10.0/25', '10.10.10.128/25'],
      remoteSubnets: ['172.16.0.0/12', '192.168.9.0/24'],
      ikeProposals: ['AES256-SHA256-MODP2048'],
      espProposals: 'aes256gcm16, aes128gcm16',
      ikeRekey: 600,
      espRekey: 10,
      dpdDelay: 3600,
      tunnelAddress: '169.254.10.2/30',
      tunnelPeer: '169.254.10.1/30',
      mtu: 1400,
    };
    const server = { name: 'any', role: 'server', psk: SECRET, remoteSubnet: '10.20.0.0/16' };
    const vpn = vpnOf(withVpn({ localBreakout: true, tunnels: [all, server] }));
    assert.equal(vpn.localBreakout, true);
    const { psk, ...rest } = all;
    assert.deepEqual(vpn.tunnels[0], {
      ...rest,
      auth: { kind: 'psk', secret: psk },
      ikeProposals: ['aes256-sha256-modp2048'],
      espProposals: ['aes256gcm16', 'aes128gcm16'],
      tunnelPeer: '169.254.10.1',
    });
    assert.equal(vpn.tunnels[1]!.remoteGateway, '%any');
  });

  it('uses the subnets of the families that the other side has', () => {
    const both = { subnet6: 'fd00:1::/64' };
    const [v4] = vpnOf(withVpn(client, both)).tunnels;
    assert.deepEqual(v4!.localSubnets, ['10.10.10.0/24']);
    const { remoteSubnet, ...rest } = client;
    const remoteSubnets = [remoteSubnet, 'fd00:2::/64'];
    const [two] = vpnOf(withVpn({ ...rest, remoteSubnets }, both)).tunnels;
    assert.deepEqual(two!.localSubnets, ['10.10.10.0/24', 'fd00:1::/64']);
  });

  it('may lead to everything, or to a network that the own subnet is a part of', () => {
    for (const remoteSubnet of ['0.0.0.0/0', '10.0.0.0/8']) {
      assert.deepEqual(vpnOf(withTunnel({ remoteSubnet })).tunnels[0]!.remoteSubnets, [remoteSubnet]);
    }
  });

  it('may be the same as that of another one but for the gateway, on one uplink or two', () => {
    const [one, two] = [ni(client), ni({ ...client, remoteGateway: '192.0.2.2' }, { name: 'ni2' })];
    readValid({ networkInstances: [one, two] });
    readValid({ networkInstances: [one, { ...two, port: 'eth1' }] });
  });

  it('takes IKEv1 and weak algorithms since they are named, and warns of them', () => {
    const weak = { ikeVersion: 1, ikeProposals: '3des-sha1-modp1024', espProposals: ['aes128-md5', 'aes256-sha256'] };
    const { config, issues } = read(withTunnel(weak));
    assert.deepEqual(
      issues.map(({ scope, path }) => `${scope} ${path.slice(VPN.length + 1)}`),
      ['warning ikeVersion', 'warning ikeProposals', 'warning espProposals[0]'],
    );
    assert.match(issues[1]!.reason, /^3des is .*, sha1 is based on SHA-1.*, modp1024 is .*Logjam/);
    const tunnel = config!.networkInstances[0]!.vpn!.tunnels[0]!;
    assert.deepEqual(tunnel.ikeProposals, ['3des-sha1-modp1024']);
    assert.deepEqual(config!.networkInstances[0]!.issues, []);
    assert.doesNotMatch([...IKE_PROPOSALS[1], ...ESP_PROPOSALS[1]].join(), /sha1|modp1/);
  });
});

describe('two network instances with VPNs', () => {
  const server = { role: 'server', psk: SECRET, remoteSubnet: '10.20.0.0/16' };
  const two = (first: Json, second: Json) => ({
    uplinks: ['eth0', 'eth1'].map(name => ({ interface: name })),
    networkInstances: [
      ni(server, { name: 'a', ...first }),
      ni({ ...server, remoteSubnet: '10.30.0.0/16' }, { name: 'b', ...second }),
    ],
  });

  it("can't be called on one uplink: the second one is refused", () => {
    const { config, issues } = read(two({}, {}));
    assert.deepEqual(
      issues.map(({ scope, path }) => `${scope} ${path}`),
      ['ni networkInstances[1].port'],
    );
    assert.match(issues[0]!.reason, /network instance a is already called at UDP ports 500 and 4500 of uplink eth0/);
    assert.deepEqual(
      config!.networkInstances.map(one => one.issues.length),
      [0, 1],
    );
  });

  for (const [title, first, second] of [
    ['on two uplinks', {}, { port: 'eth1' }],
    ['if the first is not active', { activate: false }, {}],
    ['if the second only calls', {}, { vpn: client }],
  ] as const) {
    it(`may be called ${title}`, () => void readValid(two(first, second)));
  }

  it('that call one gateway by one name are told', () => {
    const document = { networkInstances: [ni(client), ni(client, { name: 'ni2', subnet: '10.10.11.0/24' })] };
    const { issues } = read(document);
    assert.deepEqual(
      issues.map(({ scope, path }) => `${scope} ${path}`),
      ['warning networkInstances[1].vpn.localId'],
    );
    document.networkInstances[1]!.vpn = { ...client, localId: 'other.example' };
    readValid(document);
  });
});

describe('a port map', () => {
  const withPortmap = (lport: number, protocol: string) => ({
    networkInstances: [
      ni({ role: 'server', psk: SECRET, remoteSubnet: '10.20.0.0/16' }),
      { name: 'lan', port: 'eth0', subnet: '10.1.0.0/24' },
    ],
    apps: [{ name: 'a', interfaces: [{ networkInstance: 'lan', acl: [{ protocol, lport, portmap: 500 }] }] }],
  });

  for (const port of [500, 4500]) {
    it(`of UDP port ${port} is refused on an uplink where a VPN is called`, () => {
      const { issues } = read(withPortmap(port, 'udp'));
      assert.equal(issues.length, 1);
      assert.equal(issues[0]!.scope, 'interface');
      assert.match(issues[0]!.reason, new RegExp(`the VPN server of ni1 already has udp port ${port} of uplink eth0`));
    });
  }

  it('of TCP port 500 is none of its business', () => void readValid(withPortmap(500, 'tcp')));
});

const rows: [string, unknown, string, RegExp, Partial<BadInput>?][] = [
  ['a tunnel that is no mapping', withVpn(5), '', /a number/, { scope: 'document' }],
  ['an unknown key', withTunnel({ pks: 'x' }), '.pks', /known key/, { scope: 'document' }],
  ['a key that is a number', withTunnel({ psk: 12345678 }), '.psk', /a number/, { scope: 'document' }],
  ['a role that is none', withTunnel({ role: 'boss' }), '.role', /not one/, { scope: 'document' }],
  ['a mode that is none', withTunnel({ mode: 'x' }), '.mode', /not one/, { scope: 'document' }],
  ['no tunnel at all', withVpn({}), '', /no tunnel/],
  ['an empty list of tunnels', withVpn({ tunnels: [] }), '', /no tunnel/],
  [
    'more tunnels than can be',
    withTunnels(...Array.from({ length: 251 }, (_, n) => ({ remoteSubnet: `172.16.${n}.0/24` }))),
    '',
    /more than 250/,
  ],
  ['a tunnel beside a list', withVpn({ psk: 'x', tunnels: [{ name: 'a', ...client }] }), '.psk', /list of tunnels too/],
  ['a tunnel in a list without a name', withTunnels({ name: null }), '.tunnels[0].name', /needs a name/],
  ['a name with a space', withTunnel({ name: 'a b' }), '.name', /not a name/],
  ['a name of 33 characters', withTunnel({ name: 'n'.repeat(33) }), '.name', /not a name/],
  [
    'two tunnels of one name',
    withTunnels({ name: 'a' }, { name: 'a', remoteGateway: '192.0.2.2', remoteSubnet: '172.16.0.0/16' }),
    '.tunnels[1].name',
    /has this name/,
  ],
  ['version 3 of IKE', withTunnel({ ikeVersion: 3 }), '.ikeVersion', /not a version/],
  ['a client without a gateway', withTunnel({ remoteGateway: null }), '.remoteGateway', /whom to call/],
  ['a client that calls anybody', withTunnel({ remoteGateway: '%any' }), '.remoteGateway', /whom to call/],
  ['a gateway by name', withTunnel({ remoteGateway: 'vpn.example' }), '.remoteGateway', /not an IP address/],
  ['a gateway on the loopback', withTunnel({ remoteGateway: '127.0.0.1' }), '.remoteGateway', /loopback/],
  ['a gateway that is a group', withTunnel({ remoteGateway: '224.0.0.1' }), '.remoteGateway', /multicast/],
  ['a gateway that is everybody', withTunnel({ remoteGateway: '255.255.255.255' }), '.remoteGateway', /broadcast/],
  ['a gateway that is nobody', withTunnel({ remoteGateway: '0.0.0.0' }), '.remoteGateway', /no address of a host/],
  ['a link-local gateway', withTunnel({ remoteGateway: '169.254.1.1' }), '.remoteGateway', /link-local/],
  ['a gateway in the own subnet', withTunnel({ remoteGateway: '10.10.10.7' }), '.remoteGateway', /own subnet/],
  ['a gateway in IPv6', withTunnel({ remoteGateway: '2001:db8::1' }), '.remoteGateway', /IPv4 only/],
  ['an identity with a line end', withTunnel({ localId: 'a\nb' }), '.localId', /no identity/],
  ['a long identity', withTunnel({ remoteId: 'a'.repeat(256) }), '.remoteId', /longer/],
  ['no key', withTunnel({ psk: null }), '.psk', /no key/],
  ['an empty key', withTunnel({ psk: '' }), '.psk', /empty/],
  ['a key of two lines', withTunnel({ psk: 'a\nb' }), '.psk', /line ends/],
  ['a key of 1025 characters', withTunnel({ psk: 'k'.repeat(1025) }), '.psk', /longer/],
  ['a key and a certificate', withTunnel({ certificate: 'x' }), '.certificate', /psk too/],
  ['a key in a relative file', withTunnel({ psk: { file: 'a/key' } }), '.psk.file', /absolute/],
  ['a key in a file that is not there', withTunnel({ psk: { file: '/no/such' } }), '.psk.file', /does not exist/],
  ['a key in a directory', withTunnel({ psk: { file: '/etc' } }), '.psk.file', /not a file/],
  ['a key in a device', withTunnel({ psk: { file: '/dev/zero' } }), '.psk.file', /not a file/],
  ['no networks behind', withTunnel({ remoteSubnet: null }), '.remoteSubnet', /not said which/],
  ['a network behind that is none', withTunnel({ remoteSubnet: 'lan' }), '.remoteSubnet', /not a network/],
  [
    'networks behind in two ways',
    withTunnel({ remoteSubnets: ['172.16.0.0/16'] }),
    '.remoteSubnet',
    /remoteSubnets too/,
  ],
  [
    '256 networks behind',
    withTunnel({ remoteSubnet: null, remoteSubnets: Array.from({ length: 256 }, (_, n) => `172.16.${n}.0/24`) }),
    '.remoteSubnets[255]',
    /more than 255/,
  ],
  ['a multicast network behind', withTunnel({ remoteSubnet: '224.0.0.0/4' }), '.remoteSubnet', /multicast/],
  ['the own subnet behind', withTunnel({ remoteSubnet: '10.10.10.0/24' }), '.remoteSubnet', /same subnet/],
  ['a part of the own subnet behind', withTunnel({ remoteSubnet: '10.10.10.128/25' }), '.remoteSubnet', /same subnet/],
  ['the transit pool behind', withTunnel({ remoteSubnet: '169.254.64.0/24' }), '.remoteSubnet', /transit pool/],
  ['a network of another family', withTunnel({ remoteSubnet: 'fd00::/64' }), '.remoteSubnet', /none on this side/],
  [
    'host bits in a network',
    withTunnel({ remoteSubnet: '192.168.0.1/24' }),
    '.remoteSubnet',
    /host bits/,
    { scope: 'warning' },
  ],
  [
    'a local network beyond the subnet',
    withTunnel({ localSubnet: '10.10.0.0/16' }),
    '.localSubnet',
    /reaches beyond/,
    { scope: 'warning' },
  ],
  [
    'two tunnels to one network',
    withTunnels({}, { remoteGateway: '192.0.2.2' }),
    '.tunnels[1].remoteSubnet',
    /tunnel t0 already leads to 192.168.0.0\/24/,
  ],
  [
    'a tunnel to a part of what another one leads to',
    withTunnels({ remoteSubnet: '192.168.7.0/24' }, { remoteGateway: '192.0.2.2', remoteSubnet: '192.168.0.0/16' }),
    '.tunnels[1].remoteSubnet',
    /tunnel t0 already leads to 192.168.7.0\/24/,
  ],
  [
    'two servers whose callers are the same to them',
    withTunnels(
      { role: 'server', remoteGateway: null },
      { role: 'server', remoteGateway: '%any', remoteSubnet: '172.16.0.0/16' },
    ),
    '.tunnels[1].remoteGateway',
    /can't be told apart from who calls tunnel t0/,
  ],
  [
    'IKEv1 servers with keys that only a name could tell apart',
    withTunnels(
      { role: 'server', remoteGateway: null, ikeVersion: 1, remoteId: 'a' },
      { role: 'server', remoteGateway: null, ikeVersion: 1, remoteId: 'b', psk: 'b', remoteSubnet: '172.16.0.0/16' },
    ),
    '.tunnels[1].psk',
    /the same psk/,
    { others: [`${VPN}.tunnels[0].ikeVersion`, `${VPN}.tunnels[1].ikeVersion`] },
  ],
  [
    'an unknown word',
    withTunnel({ ikeProposals: 'aes256-sha265-modp2048' }),
    '.ikeProposals',
    /unknown word: "sha265"/,
  ],
  ['an empty proposal', withTunnel({ espProposals: [''] }), '.espProposals[0]', /unknown word/],
  ['21 proposals', withTunnel({ espProposals: Array(21).fill('aes128gcm16') }), '.espProposals[20]', /more than 20/],
  ['a re-key in no time', withTunnel({ ikeRekey: 9 }), '.ikeRekey', /10 to 604800/],
  ['a re-key in a month', withTunnel({ espRekey: 2_592_000 }), '.espRekey', /10 to 604800/],
  ['half a second', withTunnel({ dpdDelay: 0.5 }), '.dpdDelay', /1 to 3600/],
  ['an MTU of 500', withTunnel({ mtu: 500 }), '.mtu', /576 to 65535/],
  [
    'an interface without mode route',
    withTunnel({ tunnelAddress: '169.254.1.2/30' }),
    '.tunnelAddress',
    /no interface/,
  ],
  [
    'a tunnel address without length',
    withTunnel({ mode: 'route', tunnelAddress: '169.254.1.2' }),
    '.tunnelAddress',
    /length of its prefix/,
  ],
  [
    'a tunnel address in the transit pool',
    withTunnel({ mode: 'route', tunnelAddress: '169.254.64.2/30' }),
    '.tunnelAddress',
    /transit pool/,
  ],
  [
    'a tunnel address in the own subnet',
    withTunnel({ mode: 'route', tunnelAddress: '10.10.10.9/30' }),
    '.tunnelAddress',
    /own subnet/,
  ],
  [
    'a tunnel address on the loopback',
    withTunnel({ mode: 'route', tunnelAddress: '127.0.0.2/30' }),
    '.tunnelAddress',
    /loopback/,
  ],
  [
    'a peer without own address',
    withTunnel({ mode: 'route', tunnelPeer: '169.254.1.1' }),
    '.tunnelAddress',
    /this one has none/,
  ],
  [
    'a peer that is this side',
    withTunnel({ mode: 'route', tunnelAddress: '169.254.1.2/30', tunnelPeer: '169.254.1.2' }),
    '.tunnelPeer',
    /same address/,
  ],
  [
    'a peer that is none',
    withTunnel({ mode: 'route', tunnelAddress: '169.254.1.2/30', tunnelPeer: 'x' }),
    '.tunnelPeer',
    /not an IP address/,
  ],
];

describe('bad input in a VPN', () => {
  for (const [title, document, path, reason, more] of rows) {
    it(`is told: ${title}`, () => {
      const { issues } = expectIssue({ title, document, path: `${VPN}${path}`, scope: 'ni', reason, ...more });
      assert.equal(JSON.stringify(issues).includes(SECRET), false);
    });
  }

  it('has a hint for a mistyped word', () => {
    const { issues } = read(withTunnel({ ikeProposals: 'aes256-sha265-modp2048' }));
    assert.equal(issues[0]!.remedy, 'did you mean sha256?');
  });

  it('names a file that can not be read', () => {
    const { issues } = read(withTunnel({ psk: { file: '/no/such/key' } }));
    assert.match(formatIssue(issues[0]!), /psk\.file: "\/no\/such\/key": this file does not exist/);
  });
});

describe('proposals', () => {
  const refusals: ['ike' | 'esp', string, RegExp][] = [
    ['ike', 'sha256-modp2048', /nothing that encrypts/],
    ['ike', 'aes256-modp2048', /needs one of sha256/],
    ['ike', 'aes256-prfsha256-modp2048', /needs one of sha256/],
    ['ike', 'aes256gcm16-ecp384', /needs one of prfsha256/],
    ['ike', 'aes256gcm16-prfsha384', /no group/],
    ['ike', 'aes256gcm16-aes256-sha256-modp2048', /can't be in one proposal/],
    ['ike', 'aes256-sha256-modp2048-esn', /for ESP only/],
    ['ike', 'aes256-sha256-none', /names no group/],
    ['ike', 'null-sha256-modp2048', /does not encrypt/],
    ['ike', 'default', /unknown word/],
    ['ike', `aes256-sha256${'-modp2048'.repeat(40)}`, /more than 40 words/],
    ['esp', 'aes256', /needs one of sha256/],
    ['esp', 'sha256', /nothing that encrypts/],
    ['esp', 'aes256-sha256-prfsha256', /for IKE only/],
    ['esp', 'aes256gmac', /does not encrypt/],
    ['esp', 'aes256-sha256-modpnull', /exchanges no key/],
  ];
  for (const [use, text, reason] of refusals) {
    it(`that charon would refuse, or worse, are refused: ${use} ${text.slice(0, 40)}`, () => {
      const key = `${use}Proposals`;
      expectIssue({ title: text, document: withTunnel({ [key]: text }), path: `${VPN}.${key}`, scope: 'ni', reason });
    });
  }

  it('may have integrity beside an AEAD, which is where the PRF comes from then', () => {
    readValid(withTunnel({ ikeProposals: 'aes256gcm16-sha256-ecp384', espProposals: 'aes256-sha256-esn-noesn' }));
  });
});

describe('certificates of a tunnel', () => {
  let pem: TestCertificates;
  const { psk: _, ...unkeyed } = client;
  const withAuth = (more: Json) =>
    withVpn({
      ...unkeyed,
      certificate: pem.certificate,
      privateKey: pem.privateKey,
      authorities: [pem.authority],
      ...more,
    });
  const issue = (more: Json, key: string, reason: RegExp, scope: BadInput['scope'] = 'ni') => {
    const result = expectIssue({ title: key, document: withAuth(more), path: `${VPN}.${key}`, scope, reason });
    for (const { value } of result.issues) assert.match(value, /^(|\(hidden\))$/);
  };
  before(() => {
    pem = makeCertificates();
  });

  it('are taken as text', () => {
    const chain = `${pem.certificate}${pem.authority}`;
    assert.deepEqual(vpnOf(withAuth({ certificate: chain })).tunnels[0]!.auth, {
      kind: 'certificate',
      certificate: chain,
      privateKey: pem.privateKey,
      authorities: [pem.authority],
    });
  });

  it('are taken from files, and a key in a file may end with a line end', () => {
    const directory = mkdtempSync(join(tmpdir(), 'nibox-vpn-'));
    after(() => rmSync(directory, { recursive: true }));
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text);
      return { file: join(directory, name) };
    };
    const document = withAuth({
      certificate: file('own.pem', pem.certificate),
      privateKey: file('own.key', pem.privateKey),
      authorities: [file('ca.pem', pem.authority)],
    });
    assert.deepEqual(vpnOf(document), vpnOf(withAuth({})));
    const { auth } = vpnOf(withTunnel({ psk: file('psk', `${SECRET}\n`) })).tunnels[0]!;
    assert.deepEqual(auth, { kind: 'psk', secret: SECRET });
    expectIssue({
      title: 'big',
      document: withTunnel({ psk: file('big', 'x'.repeat(300_000)) }),
      path: `${VPN}.psk.file`,
      scope: 'ni',
      reason: /bigger than 256 KiB/,
    });
  });

  it('that are none, or do not fit together, are refused', () => {
    issue({ certificate: null }, 'certificate', /missing/);
    issue({ privateKey: null }, 'privateKey', /missing/);
    issue({ authorities: [] }, 'authorities', /not said who/);
    issue({ certificate: 'hello' }, 'certificate', /not a certificate in PEM/);
    issue({ certificate: pem.certificate.replace(/\n.{9}/, '\nAAAAAAAAA') }, 'certificate', /damaged/);
    issue({ privateKey: 'hello' }, 'privateKey', /not a private key/);
    issue({ privateKey: pem.otherKey }, 'privateKey', /does not fit the certificate \(CN=branch\)/);
    issue({ privateKey: pem.encryptedKey }, 'privateKey', /encrypted/);
    issue({ authorities: [pem.authority, 'x'] }, 'authorities[1]', /not a certificate in PEM/);
    issue({ authorities: [pem.authority.repeat(101)] }, 'authorities[0]', /more than 100/);
    issue({ authorities: [pem.certificate] }, 'authorities[0]', /no certificate of an authority/, 'warning');
  });

  it('that have expired or are not valid yet are told, not refused', () => {
    const expect = (days: number, reason: RegExp) => {
      mock.timers.enable({ apis: ['Date'], now: Date.now() + days * 86_400_000 });
      try {
        const { config, issues } = read(withAuth({}));
        assert.deepEqual(config!.networkInstances[0]!.issues, []);
        assert.equal(issues.length, 2);
        for (const one of issues) assert.match(one.reason, reason);
      } finally {
        mock.timers.reset();
      }
    };
    expect(31, /has expired on .* \(CN=/);
    expect(-2, /is not valid before .* \(CN=/);
  });

  it('in a file that is missing are told once', () => {
    const { issues } = readConfigText(JSON.stringify(withAuth({ privateKey: { file: '/no/such' } })));
    assert.deepEqual(
      issues.map(({ path }) => path),
      [`${VPN}.privateKey.file`],
    );
  });
});
