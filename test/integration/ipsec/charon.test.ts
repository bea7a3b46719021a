import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { processesWithArgument } from '../../../shared/kernel/process-identity.ts';
import type { VpnTunnelStatus } from '../../../shared/proto/messages.ts';
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
  await gateway.apply([server()], [credentials()], gatewayAddress(1));
});
after(() => world?.close());

beforeEach(async () => {
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  await isUp();
});

async function isUp(): Promise<VpnTunnelStatus> {
  const state = async () => `${JSON.stringify(await client.status(), null, 1)}\n${client.logs}`;
  await until('the tunnel is up', async () => (await client.tunnel('office')).state === 'up', { state });
  return client.tunnel('office');
}

function spis({ initiatorSpi, responderSpi, children }: VpnTunnelStatus) {
  return { initiatorSpi, responderSpi, children: children.map(({ spiIn, spiOut }) => ({ spiIn, spiOut })) };
}

async function charonPid(): Promise<number> {
  return (await client.status()).charonPid;
}

async function route(): Promise<void> {
  await world.route('ni', '192.168.0.0/24');
  await world.route('gw1', '10.10.10.0/24');
}

test('a charon that is killed is told, started anew, and the tunnel comes up again', async () => {
  const pid = await charonPid();
  process.kill(pid, 'SIGKILL');
  await until('it is told', async () => /ended by SIGKILL/.test((await client.status()).error));
  const after = await isUp();
  assert.match(after.lastError, new RegExp(`^charon \\(pid ${pid}\\) ended by SIGKILL`));
  assert.notEqual(await charonPid(), pid);
  await route();
  assert.equal(await world.reachesCloud(), true);
});

test('a manager that was killed leaves the tunnel working, and its successor takes it over with the same SAs', async () => {
  await route();
  const before = spis(await client.tunnel('office'));
  const pid = await charonPid();
  const ping = world.exec('app', 'ping', '-i', '0.05', '-w', '6', '-q', '192.168.0.1');
  await client.kill();
  assert.equal(await world.reachesCloud(), true);
  client = world.agent('ni');
  assert.equal(await client.adopt(), pid);
  assert.equal(await client.apply([tunnel()], [credentials()], NI_ADDRESS), 'unchanged');
  assert.deepEqual(spis(await client.tunnel('office')), before);
  assert.equal(await charonPid(), pid);
  assert.match(await ping, / 0% packet loss/);
});

test('an adopted charon that is killed is noticed, too', async () => {
  await client.kill();
  client = world.agent('ni');
  await client.adopt();
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  const pid = await charonPid();
  process.kill(pid, 'SIGKILL');
  await until('it is told', async () => /ended/.test((await client.status()).error));
  await isUp();
});

test('a charon that hangs is told within seconds, killed, and started anew', async () => {
  const pid = await charonPid();
  process.kill(pid, 'SIGSTOP');
  const began = Date.now();
  await until('it is told', async () => (await client.status()).error === `charon (pid ${pid}) does not answer`);
  assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`);
  await until('another one runs', async () => ![0, pid].includes(await charonPid()));
  assert.match((await isUp()).lastError, /did not answer and was killed/);
});

test('a removed VICI socket is put back, and the tunnel never notices', async () => {
  const before = spis(await client.tunnel('office'));
  const pid = await charonPid();
  rmSync(client.socketFile);
  await until('it is told', async () => /VICI socket .* put back/.test((await client.status()).error));
  assert.equal((await client.tunnel('office')).state, 'up');
  await client.kill();
  client = world.agent('ni');
  assert.equal(await client.adopt(), pid);
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  assert.deepEqual(spis(await client.tunnel('office')), before);
});

test('when no name of the socket is left, charon is started anew by the manager that needs one', async () => {
  const pid = await charonPid();
  await client.kill();
  rmSync(client.socketFile);
  rmSync(`${client.socketFile}.spare`);
  client = world.agent('ni');
  await client.adopt();
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  await isUp();
  assert.notEqual(await charonPid(), pid);
});

test('a charon whose state is lost is known by its config, and its tunnel goes on', async () => {
  const pid = await charonPid();
  const before = spis(await client.tunnel('office'));
  await client.kill();
  for (const name of ['charon.state', 'charon.state.bak', 'charon.loaded'])
    writeFileSync(join(client.directory, 'run', name), 'cut');
  client = world.agent('ni');
  assert.equal(await client.adopt(), pid);
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  assert.equal(await charonPid(), pid);
  assert.deepEqual(spis(await client.tunnel('office')), before);
});

test('a charon that nobody knows of is ended before another one is started', async () => {
  const pid = await charonPid();
  const conf = join(client.directory, 'run', 'strongswan.conf');
  await client.kill();
  for (const name of ['charon.state', 'charon.state.bak', 'strongswan.conf'])
    rmSync(join(client.directory, 'run', name));
  client = world.agent('ni');
  assert.equal(await client.adopt(), null);
  assert.equal(await client.apply([tunnel()], [credentials()], NI_ADDRESS), 'started');
  assert.deepEqual(
    processesWithArgument(conf).map(process => process.pid),
    [await charonPid()],
  );
  assert.notEqual(await charonPid(), pid);
  await isUp();
});

test('a connection or a secret that somebody took from charon comes back', async () => {
  const swanctl = (...args: string[]) => world.exec('ni', 'swanctl', ...args, '--uri', `unix://${client.socketFile}`);
  const empty = join(world.directory, 'empty.conf');
  writeFileSync(empty, '');
  const before = spis(await client.tunnel('office'));
  await swanctl('--load-conns', '--file', empty);
  await until('the connection is back', async () => /office/.test(await swanctl('--list-conns')));
  assert.deepEqual(spis(await client.tunnel('office')), before, 'its SAs are not touched');

  await swanctl('--load-creds', '--clear', '--file', empty);
  await swanctl('--terminate', '--ike', 'office', '--force', '--timeout', '1').catch(() => {});
  await until('it is down', async () => (await client.tunnel('office')).state !== 'up');
  assert.match((await isUp()).lastError, /no pre-shared key/);
});

test('a log that grows is put aside, and one that was removed is begun anew, under a running tunnel', async () => {
  const before = spis(await client.tunnel('office'));
  const logFile = join(client.directory, 'charon.log');
  appendFileSync(logFile, 'x'.repeat(1_100_000));
  await until('it was put aside', () => existsSync(`${logFile}.1`) && existsSync(logFile));
  assert.ok(statSync(logFile).size < 100_000);
  rmSync(logFile);
  await until('there is another', () => existsSync(logFile));
  await world.exec('ni', 'swanctl', '--rekey', '--ike', 'office', '--uri', `unix://${client.socketFile}`);
  await until('charon writes to it', () => /rekeyed between/.test(readFileSync(logFile, 'utf8')));
  const after = spis(await isUp());
  assert.deepEqual(after.children, before.children);
});

test('stop ends charon and leaves none of its files but logs', async () => {
  const conf = join(client.directory, 'run', 'strongswan.conf');
  await client.stop();
  assert.deepEqual(processesWithArgument(conf), []);
  assert.equal((await client.status()).charonPid, 0);
  assert.doesNotMatch(await world.exec('ni', 'ip', 'link'), /ipsec0/);
  assert.doesNotMatch(await world.exec('ni', 'ip', 'rule'), /2200/);
  assert.doesNotMatch(await world.exec('ni', 'ls', join(client.directory, 'run')), /vici|state(\.bak)?$/m);
});
