import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readConfigText } from '../../../../shared/config/index.ts';
import type { NetworkInstance } from '../../../../shared/config/model.ts';
import { silentLog } from '../../../../shared/log/log.ts';
import { codecs } from '../../../../shared/proto/messages.ts';
import { StateReport } from '../../../../shared/state/state-report.ts';
import { Allocator } from '../../../../supervisor/allocate/allocator.ts';
import { instanceIntents, rootInstance } from '../../../../supervisor/intent/intents.ts';
import { credentialsMessages, vpnMessage } from '../../../../supervisor/intent/vpn.ts';
import { keptKey } from '../../../../supervisor/state/kept-key.ts';
import { makeCertificates } from '../../shared/config/certificates.ts';

const { certificate, privateKey, authority } = makeCertificates();
const directory = mkdtempSync(join(tmpdir(), 'nibox-intent-'));
after(() => rmSync(directory, { recursive: true }));

const client = { name: 'hq', remoteGateway: '192.0.2.1', psk: 'x9-Zq7-Lmw2', remoteSubnet: '192.168.0.0/24' };
const server = {
  name: 'field',
  role: 'server',
  mode: 'route',
  localId: 'hub.example',
  remoteId: 'field.example',
  certificate,
  privateKey,
  authorities: [authority],
  remoteSubnets: ['10.40.0.0/24', '10.41.0.0/24'],
  ikeProposals: 'aes256-sha256-modp2048',
  espProposals: 'aes256gcm16',
  ikeRekey: 600,
  espRekey: 60,
  dpdDelay: 5,
  tunnelAddress: '169.254.10.2/30',
  tunnelPeer: '169.254.10.1',
  mtu: 1400,
};

const digestKey = keptKey(join(directory, 'digest.key'), new StateReport(silentLog));
const context = { address: '192.168.1.2', digestKey };

const configOf = (...tunnels: object[]) => {
  const ni = { name: 'ni1', type: 'vpn', port: 'eth0', subnet: '10.10.10.0/24', vpn: { localBreakout: true, tunnels } };
  const { config, issues } = readConfigText(JSON.stringify({ networkInstances: [ni] }));
  assert.deepEqual(issues, []);
  return config!;
};
const niOf = (...tunnels: object[]): NetworkInstance => configOf(...tunnels).networkInstances[0]!;

describe('what a manager is told of a VPN', () => {
  it('is all of the config but its secrets, of which there is a digest', () => {
    const ni = niOf(client, server);
    const message = vpnMessage(ni, context)!;
    const digests = credentialsMessages(ni).map(one =>
      createHmac('sha256', digestKey).update(codecs.VpnCredentials.encode(one)).digest('hex'),
    );
    assert.deepEqual(
      message.tunnels.map(({ credentialsDigest }) => Buffer.from(credentialsDigest).toString('hex')),
      digests,
    );
    const [hq, field] = message.tunnels.map(({ credentialsDigest: _, ...rest }) => rest);
    assert.equal(message.localBreakout, true);
    assert.deepEqual(hq, {
      name: 'hq',
      server: false,
      routeBased: false,
      ikeVersion: 2,
      remoteGateway: '192.0.2.1',
      localId: '192.168.1.2',
      remoteId: '',
      auth: 0,
      localSubnets: ['10.10.10.0/24'],
      remoteSubnets: ['192.168.0.0/24'],
      ikeProposals: ni.vpn!.tunnels[0]!.ikeProposals,
      espProposals: ni.vpn!.tunnels[0]!.espProposals,
      ikeRekey: 14400,
      espRekey: 3600,
      dpdDelay: 10,
      tunnelAddress: '',
      tunnelPeer: '',
      mtu: 0,
    });
    assert.deepEqual(field, {
      name: 'field',
      server: true,
      routeBased: true,
      ikeVersion: 2,
      remoteGateway: '%any',
      localId: 'hub.example',
      remoteId: 'field.example',
      auth: 1,
      localSubnets: ['10.10.10.0/24'],
      remoteSubnets: ['10.40.0.0/24', '10.41.0.0/24'],
      ikeProposals: ['aes256-sha256-modp2048'],
      espProposals: ['aes256gcm16'],
      ikeRekey: 600,
      espRekey: 60,
      dpdDelay: 5,
      tunnelAddress: '169.254.10.2/30',
      tunnelPeer: '169.254.10.1',
      mtu: 1400,
    });
    const bytes = Buffer.from(codecs.NetworkInstanceConfig.encode({ vpn: message } as never));
    for (const secret of [client.psk, 'BEGIN']) assert.equal(bytes.includes(secret), false);
  });

  it('are the secrets, each tunnel for itself', () => {
    assert.deepEqual(credentialsMessages(niOf(client, server)), [
      { tunnel: 'hq', psk: client.psk, certificate: '', privateKey: '', authorities: [] },
      { tunnel: 'field', psk: '', certificate, privateKey, authorities: [authority] },
    ]);
  });

  it('has the name of the certificate, not an address, where there is one', () => {
    const { localId: _, ...unnamed } = server;
    assert.equal(vpnMessage(niOf(unnamed), context)!.tunnels[0]!.localId, '');
  });

  it('is nothing for other network instances', () => {
    const local = { ...niOf(client), vpn: undefined } as unknown as NetworkInstance;
    assert.equal(vpnMessage(local, context), null);
    assert.deepEqual(credentialsMessages(local), []);
  });
});

describe('the intent of a VPN network instance', () => {
  const uplinkOf = (config: ReturnType<typeof configOf>) => ({
    ...{ config: config.uplinks[0]!, interface: 'eth0', exists: true, up: true, mtu: 1500, dnsServers: [] },
    isMoved: false,
    addresses: ['2001:db8::2/64', '192.168.1.2/24'],
  });
  const intentOf = (...tunnels: object[]) => intentWith(digestKey, ...tunnels);
  const intentWith = (key: Buffer, ...tunnels: object[]) => {
    const config = configOf(...tunnels);
    const allocator = new Allocator(join(directory, 'numbers.json'), new StateReport(silentLog));
    return instanceIntents(config, config.networkInstances, [uplinkOf(config)], allocator, {
      prefix: 'nb',
      digestKey: key,
    })[0]!;
  };

  it('has another generation when only a secret changed, and the same one when nothing did', () => {
    const { generation } = intentOf(client).config;
    assert.equal(intentOf(client).config.generation, generation);
    assert.notEqual(intentOf({ ...client, psk: 'other' }).config.generation, generation);
  });

  it('shows nothing by which a secret could be guessed: digest and generation depend on a key that is kept and not told', () => {
    const file = join(directory, 'digest.key');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { config } = intentWith(keptKey(file, new StateReport(silentLog)), client);
    assert.equal(config.generation, intentOf(client).config.generation);
    for (const copy of [file, `${file}.bak`]) writeFileSync(copy, 'cut off');
    const other = intentWith(keptKey(file, new StateReport(silentLog)), client).config;
    assert.notEqual(other.generation, config.generation);
    assert.notDeepEqual(other.vpn!.tunnels[0]!.credentialsDigest, config.vpn!.tunnels[0]!.credentialsDigest);
  });

  it("leads IKE's ports of its uplink to it only if it may be called", () => {
    const portmaps = (...tunnels: object[]) => rootInstance(intentOf(...tunnels), '/ns').portmaps;
    assert.deepEqual(portmaps(client), []);
    assert.deepEqual(portmaps(client, server), [
      { uplink: 'eth0', protocol: 'udp', port: 500 },
      { uplink: 'eth0', protocol: 'udp', port: 4500 },
    ]);
  });

  it("calls itself by its uplink's IPv4 address", () => {
    assert.equal(intentOf(client).config.vpn!.tunnels[0]!.localId, '192.168.1.2');
  });
});
