import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { VpnTunnelStatus } from '../../../shared/proto/messages.ts';
import { credentials, server, tunnel } from '../../unit/netns-manager/ipsec/fixtures.ts';
import type { Agent } from './agent.ts';
import { gatewayAddress, NI_ADDRESS, until, VpnWorld } from './world.ts';

let world: VpnWorld;
let client: Agent;
let gateways: [Agent, Agent];

before(async () => {
  world = await VpnWorld.create(2);
  client = world.agent('ni');
  gateways = [world.agent('gw1'), world.agent('gw2')];
  await world.ip('gw2', 'addr add 192.168.2.1/24 dev lo');
});
after(() => world?.close());

const office = tunnel();
const branch = tunnel({ name: 'branch', remoteGateway: gatewayAddress(2), remoteSubnets: ['192.168.2.0/24'] });
const secrets = [credentials(), credentials({ tunnel: 'branch', psk: 'branch secret' })];

async function isUp(name: string): Promise<VpnTunnelStatus> {
  const state = async () => `${JSON.stringify(await client.status(), null, 1)}\n${client.logs}`;
  await until(`${name} is up`, async () => (await client.tunnel(name)).state === 'up', { state });
  return client.tunnel(name);
}

function spis({ initiatorSpi, responderSpi, children }: VpnTunnelStatus) {
  return { initiatorSpi, responderSpi, children: children.map(({ spiIn, spiOut }) => ({ spiIn, spiOut })) };
}

test('a client behind a NAT calls a server at once, traffic flows, and both sides tell the same of it', async () => {
  assert.equal(await gateways[0].apply([server()], [credentials()], gatewayAddress(1)), 'started');
  assert.equal((await gateways[0].tunnel('office')).state, 'listening');
  assert.equal(await client.apply([office], secrets, NI_ADDRESS), 'started');
  await world.route('ni', '192.168.0.0/24');
  await world.route('gw1', '10.10.10.0/24');
  const ours = await isUp('office');
  assert.equal(await world.reachesCloud(), true);
  assert.equal(ours.ikeVersion, 2);
  assert.equal(ours.ikeState, 'ESTABLISHED');
  assert.equal(ours.ikeProposal, 'AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519');
  assert.equal(`${ours.localHost}:${ours.localPort}`, '169.254.64.2:4500');
  assert.equal(`${ours.remoteHost}:${ours.remotePort}`, '198.51.100.1:4500');
  assert.equal(ours.attempts, 0);
  assert.ok(Math.abs(Date.now() - ours.established) < 30_000);
  assert.ok(ours.rekey > Date.now());
  const [child] = ours.children;
  assert.equal(child?.proposal, 'AES_GCM_16-128');
  assert.equal(child.encapsulated, true);
  assert.equal(child.state, 'INSTALLED');
  assert.deepEqual([child.localTs, child.remoteTs], [['10.10.10.0/24'], ['192.168.0.0/24']]);
  assert.ok(child.expires > child.rekey && child.rekey > child.installed);

  await until('packets are counted', async () => ((await client.tunnel('office')).children[0]?.packetsIn ?? 0) > 0);
  const theirs = await gateways[0].tunnel('office');
  assert.equal(theirs.initiatorSpi, ours.initiatorSpi);
  assert.equal(theirs.children[0]?.spiIn, child.spiOut);
  assert.equal(theirs.children[0]?.spiOut, child.spiIn);
  assert.equal(theirs.remoteHost, '198.51.100.2');
  assert.equal(theirs.remoteId, '169.254.64.2');
});

test('a tunnel that comes, changes or goes leaves the SAs of the other one alone', async () => {
  const other = server({ localSubnets: ['192.168.2.0/24'] });
  await gateways[1].apply([other], [credentials({ psk: 'branch secret' })], gatewayAddress(2));
  const before = spis(await client.tunnel('office'));

  assert.equal(await client.apply([office, branch], secrets, NI_ADDRESS), 'changed');
  const added = spis(await isUp('branch'));
  assert.deepEqual(spis(await client.tunnel('office')), before);

  assert.equal(await client.apply([office, branch], secrets, NI_ADDRESS), 'unchanged');
  assert.equal(await client.apply([branch, office], secrets, NI_ADDRESS), 'unchanged', 'their order does not count');
  assert.equal(await client.apply([office, { ...branch, dpdDelay: 11 }], secrets, NI_ADDRESS), 'changed');
  await until('branch has a new SA', async () => {
    const now = await client.tunnel('branch');
    return now.state === 'up' && now.initiatorSpi !== added.initiatorSpi;
  });
  assert.deepEqual(spis(await client.tunnel('office')), before);

  assert.equal(await client.apply([office], secrets, NI_ADDRESS), 'changed');
  assert.deepEqual(spis(await client.tunnel('office')), before);
  await until('the peer was told', async () => (await gateways[1].tunnel('office')).state === 'listening');
  assert.equal(await world.reachesCloud(), true);
});

test('another secret is another tunnel: it is called again with it', async () => {
  const before = await isUp('office');
  await client.apply([office], [credentials({ psk: 'changed' })], NI_ADDRESS);
  await until('it is refused', async () => /authentication failed/.test((await client.tunnel('office')).error));
  await gateways[0].apply([server()], [credentials({ psk: 'changed' })], gatewayAddress(1));
  assert.notEqual((await isUp('office')).initiatorSpi, before.initiatorSpi);
});

test('a server knows its clients by their ids, and each by a key of its own', async () => {
  const one = server({ name: 'one', remoteId: 'one.example', remoteSubnets: ['10.10.10.0/24'] });
  const two = server({ name: 'two', remoteId: 'two.example', remoteSubnets: ['10.10.20.0/24'] });
  const keys = [credentials({ tunnel: 'one', psk: 'first' }), credentials({ tunnel: 'two', psk: 'second' })];
  await gateways[0].apply([one, two], keys, gatewayAddress(1));
  await world.ip('ni', 'addr add 10.10.20.1/32 dev lo');
  const ours = [
    tunnel({ name: 'one', localId: 'one.example' }),
    tunnel({ name: 'two', localId: 'two.example', localSubnets: ['10.10.20.0/24'] }),
  ];
  await client.apply(ours, keys, NI_ADDRESS);
  await until('two sides know each other', async () => {
    const { tunnels } = await gateways[0].status();
    return tunnels.every(({ state }) => state === 'up');
  });
  assert.equal((await gateways[0].tunnel('two')).remoteId, 'two.example');

  // One who has a key of this server can't pass for another with it.
  const impostor = [tunnel({ name: 'one', localId: 'two.example', localSubnets: ['10.10.20.0/24'] })];
  await client.apply(impostor, keys, NI_ADDRESS);
  await until('it is refused', async () => /^authentication failed/.test((await client.tunnel('one')).error));
});

test('a client that takes anybody with the key takes a server of any name', async () => {
  await gateways[0].apply([server({ localId: 'gw.example' })], [credentials()], gatewayAddress(1));
  await client.apply([tunnel({ remoteId: '%any' })], [credentials()], NI_ADDRESS);
  assert.equal((await isUp('office')).remoteId, 'gw.example');
});

test('without an xfrm interface a route-based tunnel works alone, but is refused beside another', async () => {
  await gateways[0].apply([server()], [credentials()], gatewayAddress(1));
  const routed = tunnel({ routeBased: true });
  if ((await client.device(routed)).xfrmId !== undefined) return; // test/vm has the rest
  await client.apply([routed], [credentials()], NI_ADDRESS);
  const { children } = await isUp('office');
  assert.deepEqual(children[0]?.remoteTs, ['192.168.0.0/24'], 'what the server allows of everything');
  await world.route('ni', '192.168.0.0/24');
  assert.equal(await world.reachesCloud(), true);
  const both = client.apply([routed, branch], secrets, NI_ADDRESS);
  await assert.rejects(both, /^Error: tunnel office: mode route needs a kernel with ESP and xfrm interfaces/);
  await isUp('branch');
});

test('without tunnels there is no charon', async () => {
  assert.equal(await client.apply([], [], NI_ADDRESS), 'changed');
  assert.equal((await client.status()).charonPid, 0);
  assert.equal(await client.apply([], [], NI_ADDRESS), 'unchanged');
});
