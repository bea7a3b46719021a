import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VpnAuth, type VpnTunnel } from '../../../shared/proto/messages.ts';
import { credentials, server, tunnel } from '../../unit/netns-manager/ipsec/fixtures.ts';
import type { Agent } from './agent.ts';
import { type Authority, type Leaf, Pki } from './pki.ts';
import { gatewayAddress, NI_ADDRESS, until, VpnWorld } from './world.ts';

let world: VpnWorld;
let client: Agent;
let gateway: Agent;
let ours: Authority;
let foreign: Authority;
const leaves = new Map<string, Leaf>();

before(async () => {
  world = await VpnWorld.create(1);
  client = world.agent('ni');
  gateway = world.agent('gw1');
  const pki = new Pki(join(world.directory, 'pki'));
  ours = await pki.authority('ours');
  foreign = await pki.authority('foreign');
  const gatewayName = `IP:${gatewayAddress(1)}`;
  leaves.set('gateway', await pki.leaf(ours, 'gateway', gatewayName, { key: 'rsa' }));
  leaves.set('expired gateway', await pki.leaf(ours, 'gateway-expired', gatewayName, { isExpired: true }));
  leaves.set('foreign gateway', await pki.leaf(foreign, 'gateway-foreign', gatewayName));
  leaves.set('client', await pki.leaf(ours, 'client', 'DNS:client.example'));
  leaves.set('expired client', await pki.leaf(ours, 'client-expired', 'DNS:client.example', { isExpired: true }));
  leaves.set('foreign client', await pki.leaf(foreign, 'client-foreign', 'DNS:client.example'));
});
after(() => world?.close());

function certified(name: string, privateKey = leaves.get(name)!.privateKey) {
  const { certificate } = leaves.get(name)!;
  return credentials({ psk: '', certificate, privateKey, authorities: [ours.pem] });
}

const certificate = { auth: VpnAuth.CERTIFICATE };

function applyGateway(name: string, fields: Partial<VpnTunnel> = {}): Promise<string> {
  const tunnel = server({ ...certificate, localId: gatewayAddress(1), ...fields });
  return gateway.apply([tunnel], [certified(name)], gatewayAddress(1));
}

async function isUp(): Promise<void> {
  const state = async () => `${JSON.stringify(await client.status(), null, 1)}\n${client.logs}\n${gateway.logs}`;
  await until('up', async () => (await client.tunnel('office')).state === 'up', { timeoutMs: 60_000, state });
}

test('certificates of the same authority, RSA on one side and ECDSA on the other, make a tunnel', async () => {
  await applyGateway('gateway');
  await client.apply([tunnel(certificate)], [certified('client')], NI_ADDRESS);
  await isUp();
  const { localId, remoteId } = await client.tunnel('office');
  assert.equal(localId, 'O=test, CN=client');
  assert.equal(remoteId, gatewayAddress(1));
  assert.doesNotMatch(client.logs, /PRIVATE KEY/);
});

const cases: { title: string; client: string; gateway: string; clientSays: RegExp; gatewaySays: RegExp | null }[] = [
  {
    title: 'an expired certificate of the gateway',
    client: 'client',
    gateway: 'expired gateway',
    clientSays: /^authentication failed: the certificate of 198\.51\.100\.1 is valid from .*2020 to .*2020 only/,
    gatewaySays: null,
  },
  {
    title: 'an expired certificate of the client',
    client: 'expired client',
    gateway: 'gateway',
    clientSays:
      /^authentication failed: 198\.51\.100\.1 refuses our certificate, which is valid from 2020-01-01 to 2020-02-01 only/,
    gatewaySays: /^authentication failed: the certificate of 198\.51\.100\.2 is valid from .*2020 to .*2020 only/,
  },
  {
    title: 'a gateway that a foreign authority vouches for',
    client: 'client',
    gateway: 'foreign gateway',
    clientSays:
      /^authentication failed: the certificate "O=test, CN=gateway-foreign" of 198\.51\.100\.1 is signed by an authority that is not trusted$/,
    gatewaySays: null,
  },
  {
    title: 'a client that a foreign authority vouches for',
    client: 'foreign client',
    gateway: 'gateway',
    clientSays: /^authentication failed: 198\.51\.100\.1 refuses our certificate/,
    gatewaySays:
      /^authentication failed: the certificate "O=test, CN=client-foreign" of 198\.51\.100\.2 is signed by an authority that is not trusted$/,
  },
];

for (const { title, client: clientName, gateway: gatewayName, clientSays, gatewaySays } of cases) {
  test(`${title} is told in words and heals with a good one`, async () => {
    await client.apply([], [], NI_ADDRESS);
    await applyGateway(gatewayName);
    await client.apply([tunnel(certificate)], [certified(clientName)], NI_ADDRESS);
    await until('the client knows', async () => (await client.tunnel('office')).error !== '');
    assert.match((await client.tunnel('office')).error, clientSays);
    if (gatewaySays) {
      await until('the gateway knows', async () => (await gateway.tunnel('office')).error !== '');
      assert.match((await gateway.tunnel('office')).error, gatewaySays);
    }
    await applyGateway('gateway');
    await client.apply([tunnel(certificate)], [certified('client')], NI_ADDRESS);
    await isUp();
    assert.match((await client.tunnel('office')).lastError, clientSays);
  });
}

test('a private key that does not fit, and a certificate that is none, are refused before anybody is called', async () => {
  const { privateKey } = leaves.get('gateway')!;
  const apply = (given: ReturnType<typeof certified>) => client.apply([tunnel(certificate)], [given], NI_ADDRESS);
  await assert.rejects(
    apply(certified('client', privateKey)),
    /^Error: tunnel office: the private key does not fit the certificate "O=test, CN=client"$/,
  );
  assert.match((await client.tunnel('office')).error, /the private key does not fit/);
  assert.equal((await client.tunnel('office')).state, 'down');
  await assert.rejects(apply({ ...certified('client'), certificate: 'none' }), /no certificate in PEM form/);
  await assert.rejects(apply({ ...certified('client'), authorities: [] }), /no authority to check/);
  await assert.rejects(
    apply({ ...certified('client'), authorities: [leaves.get('client')!.certificate] }),
    /no CA cert/,
  );
});

test("an authority that one tunnel trusts does not vouch for another tunnel's peer", async () => {
  const trusting = (names: Authority[]) => ({ ...certified('client'), authorities: names.map(({ pem }) => pem) });
  await applyGateway('foreign gateway');
  const other = tunnel({ ...certificate, name: 'other', remoteGateway: '198.51.100.9' });
  await client.apply(
    [tunnel(certificate), other],
    [trusting([ours]), { ...trusting([foreign]), tunnel: 'other' }],
    NI_ADDRESS,
  );
  await until('the client knows', async () => (await client.tunnel('office')).error !== '');
  assert.match((await client.tunnel('office')).error, /is not signed by "O=test, CN=ours"/);
});
