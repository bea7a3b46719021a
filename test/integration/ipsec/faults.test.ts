import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { VpnTunnel } from '../../../shared/proto/messages.ts';
import { credentials, server, tunnel } from '../../unit/netns-manager/ipsec/fixtures.ts';
import type { Agent } from './agent.ts';
import { gatewayAddress, NI_ADDRESS, until, VpnWorld } from './world.ts';

let world: VpnWorld;
let client: Agent;
let gateway: Agent;

before(async () => {
  world = await VpnWorld.create(1);
  client = world.agent('ni');
  gateway = world.agent('gw1');
});
after(() => world?.close());

interface Case {
  title: string;
  /** What is wrong on the gateway; everything else is as it should be. */
  tunnel?: Partial<VpnTunnel>;
  psk?: string;
  /** What the client says, and the gateway. */
  client: RegExp;
  gateway: RegExp;
}

const cases: Case[] = [
  {
    title: 'another pre-shared key',
    psk: 'other',
    client: /^authentication failed: 198\.51\.100\.1 refuses us; the pre-shared key or an id/,
    gateway: /^authentication failed: the pre-shared key of "169\.254\.64\.2" is not ours$/,
  },
  {
    title: 'another IKE proposal',
    tunnel: { ikeProposals: ['aes256-sha512-ecp521'] },
    client: /^no proposal chosen: 198\.51\.100\.1 and we have no IKE proposal in common$/,
    gateway: /^no proposal chosen: 198\.51\.100\.2 and we have no IKE proposal in common$/,
  },
  {
    title: 'another ESP proposal',
    tunnel: { espProposals: ['aes256-sha512'] },
    client: /^no proposal chosen: 198\.51\.100\.1 and we have no ESP proposal in common$/,
    gateway: /^no proposal chosen: 198\.51\.100\.2 and we have no ESP proposal in common$/,
  },
  {
    title: 'other traffic selectors',
    tunnel: { remoteSubnets: ['10.99.0.0/24'] },
    client: /^traffic selectors unacceptable: 198\.51\.100\.1 has other local and remote subnets$/,
    gateway: /^traffic selectors unacceptable: 198\.51\.100\.2 asks for 192\.168\.0\.0\/24 === 10\.10\.10\.0\/24$/,
  },
  {
    title: 'another id of the client',
    tunnel: { remoteId: 'device.example' },
    client: /^authentication failed: 198\.51\.100\.1 refuses us; the pre-shared key or an id/,
    gateway:
      /^authentication failed: 198\.51\.100\.2 calls itself "169\.254\.64\.2" and asks for "198\.51\.100\.1", and no tunnel/,
  },
];

for (const { title, tunnel: wrong, psk = 's3cret', client: clientSays, gateway: gatewaySays } of cases) {
  test(`${title} on the gateway is told in words by both sides and heals`, async () => {
    await gateway.apply([server(wrong)], [credentials({ psk })], gatewayAddress(1));
    await client.apply([tunnel()], [credentials()], NI_ADDRESS);
    const state = async () => JSON.stringify([await client.status(), await gateway.status()], null, 1) + client.logs;
    await until('the client knows', async () => (await client.tunnel('office')).error !== '', { state });
    await until('the gateway knows', async () => (await gateway.tunnel('office')).error !== '', { state });
    assert.match((await client.tunnel('office')).error, clientSays);
    assert.match((await gateway.tunnel('office')).error, gatewaySays);
    assert.notEqual((await client.tunnel('office')).state, 'up');
    // Where only the child was refused, the IKE SA may still be there.
    assert.notEqual((await gateway.tunnel('office')).state, 'up');
    assert.ok((await client.tunnel('office')).attempts > 0);

    await gateway.apply([server()], [credentials()], gatewayAddress(1));
    await until('up again', async () => (await client.tunnel('office')).state === 'up', { timeoutMs: 60_000, state });
    const healed = await client.tunnel('office');
    assert.equal(healed.error, '');
    assert.equal(healed.attempts, 0);
    assert.match(healed.lastError, clientSays);
    assert.ok(healed.lastErrorTime > 0);
    for (const agent of [client, gateway]) assert.doesNotMatch(agent.logs, /s3cret|other'/);
    await client.apply([], [], NI_ADDRESS);
  });
}

test('a gateway that does not answer is told as unreachable within seconds, and is found when it comes', async () => {
  await gateway.apply([], [], gatewayAddress(1));
  await world.ip('gw1', 'link set dev eth0 down');
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  const began = Date.now();
  await until('the client knows', async () => (await client.tunnel('office')).error !== '');
  assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`);
  const silent = await client.tunnel('office');
  assert.equal(silent.error, 'unreachable: no answer from 198.51.100.1');
  assert.equal(silent.state, 'connecting');
  await world.ip('gw1', 'link set dev eth0 up', 'route add default via 198.51.100.2');
  await gateway.apply([server()], [credentials()], gatewayAddress(1));
  await until('up', async () => (await client.tunnel('office')).state === 'up');
  assert.equal((await client.tunnel('office')).lastError, 'unreachable: no answer from 198.51.100.1');
});

test('a gateway that falls silent is noticed by DPD, and the tunnel comes up again with it', async () => {
  const quick = { dpdDelay: 1 };
  await gateway.apply([server(quick)], [credentials()], gatewayAddress(1));
  await client.apply([tunnel(quick)], [credentials()], NI_ADDRESS);
  await until('up', async () => (await client.tunnel('office')).state === 'up');
  await world.ip('gw1', 'link set dev eth0 down');
  await until('the client knows', async () => (await client.tunnel('office')).state === 'connecting');
  assert.equal((await client.tunnel('office')).error, 'unreachable: no answer from 198.51.100.1');
  await world.ip('gw1', 'link set dev eth0 up', 'route add default via 198.51.100.2');
  await until('up again', async () => (await client.tunnel('office')).state === 'up');
});

test('a tunnel that can not be configured does not keep others from working', async () => {
  const wrong = tunnel({ name: 'wrong', ikeProposals: ['aes-of-no-kind'] });
  const bare = tunnel({ name: 'bare' });
  await gateway.apply([server()], [credentials()], gatewayAddress(1));
  await client.apply([], [], NI_ADDRESS);
  const secrets = [credentials(), credentials({ tunnel: 'wrong' })];
  await assert.rejects(client.apply([tunnel(), wrong, bare], secrets, NI_ADDRESS), (error: Error) => {
    assert.match(error.message, /tunnel wrong: charon refused load-conn: invalid value for: proposals/);
    assert.match(error.message, /tunnel bare: its credentials are missing/);
    return true;
  });
  await until('up', async () => (await client.tunnel('office')).state === 'up');
  assert.match((await client.tunnel('wrong')).error, /invalid value for: proposals/);
  assert.equal((await client.tunnel('wrong')).state, 'down');
  assert.equal((await client.tunnel('bare')).error, 'its credentials are missing');
  assert.equal(await client.apply([tunnel()], secrets, NI_ADDRESS), 'unchanged');
});
