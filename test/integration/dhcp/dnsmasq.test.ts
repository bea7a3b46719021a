import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { ProcessExit } from '../../../netns-manager/daemon/daemon-process.ts';
import { Dnsmasq } from '../../../netns-manager/dhcp/dnsmasq.ts';
import { DnsmasqError } from '../../../netns-manager/dhcp/dnsmasq-error.ts';
import type { Lease } from '../../../netns-manager/dhcp/leases.ts';
import { renderDnsmasq } from '../../../netns-manager/dhcp/render.ts';
import { watchLeases } from '../../../netns-manager/dhcp/watch-leases.ts';
import { identifyProcess, processesWithArgument } from '../../../shared/kernel/process-identity.ts';
import { silentLog } from '../../../shared/log/log.ts';
import type { AppInterfaceConfig } from '../../../shared/proto/messages.ts';
import { seal, unseal } from '../../../shared/state/seal.ts';
import { app, ni, UUID1, UUID2 } from '../../unit/netns-manager/dhcp/fixtures.ts';
import { GATEWAY, NiWorld, until } from './ni-world.ts';

let world: NiWorld;
let dnsmasq: Dnsmasq;
let exits: ProcessExit[];

before(async () => {
  world = await NiWorld.create(2);
});
after(() => world?.close());

beforeEach(async () => {
  await dnsmasq?.stop();
  exits = [];
  dnsmasq = make();
  await writeFile(join(world.directory, 'run', 'leases'), '').catch(() => {});
});
after(() => dnsmasq?.stop());

function make(): Dnsmasq {
  const { directory, logFile } = world.input();
  const onExit = (exit: ProcessExit) => void exits.push(exit);
  return new Dnsmasq({ directory, logFile, log: silentLog, onExit, binary: world.wrapper('ni', 'dnsmasq') });
}

function rendered(...apps: Partial<AppInterfaceConfig>[]) {
  const config = ni({ mtu: 1400, ipv6: { subnet: 'fd00:1::/64', gateway: 'fd00:1::1', rangeStart: '', rangeEnd: '' } });
  return renderDnsmasq(world.input({ config, apps: apps.map(fields => app(fields)) }));
}

function confProcesses() {
  return processesWithArgument(`--conf-file=${join(world.directory, 'run', 'dnsmasq.conf')}`);
}

const second = { vif: 'nbu2x1', vifNumber: 2, appName: 'app2', appUuid: UUID2, mac: '02:16:3e:00:00:02' };

test('an app gets its address and the options of its NI, an unknown one gets nothing', async () => {
  assert.equal(await dnsmasq.apply(rendered({})), 'started');
  const answer = await world.dhcp(1);
  assert.equal(answer?.ip, '10.10.1.2');
  assert.equal(answer?.router, GATEWAY);
  assert.equal(answer?.dns, GATEWAY);
  assert.equal(answer?.mtu, '1400');
  assert.equal(answer?.hostname, UUID1);
  assert.equal(answer?.staticroutes, `10.10.1.0/24 0.0.0.0 0.0.0.0/0 ${GATEWAY}`);
  assert.equal(await world.dhcp(2, 2), null);
  assert.deepEqual(await world.resolve(1, 'router'), [GATEWAY]);
  assert.deepEqual(await world.resolve(1, 'app1'), ['10.10.1.2']);
});

test('an app gets its IPv6 address by DHCPv6, and the router advertisement tells it so', async () => {
  await dnsmasq.apply(rendered({ ipv6: 'fd00:1::2' }));
  await until('link-local address of the app', async () =>
    /scope link\s/.test(await world.exec('app1', 'ip', '-6', 'addr', 'show', 'dev', 'eth0', '-tentative')),
  );
  const file = (name: string) => join(world.directory, name);
  await world.exec(
    'app1',
    'dhclient',
    '-6',
    '-1',
    '-sf',
    '/bin/true',
    '-lf',
    file('v6.leases'),
    '-pf',
    file('v6.pid'),
    'eth0',
  );
  assert.match(await readFile(file('v6.leases'), 'utf8'), /iaaddr fd00:1::2 /);
  await until('default route from the router advertisement', async () =>
    /default via fe80/.test(await world.exec('app1', 'ip', '-6', 'route')),
  );
});

test('what dnsmasq can read again needs no restart, and a removed app loses its name and address', async () => {
  await dnsmasq.apply(rendered({}));
  const { pid } = dnsmasq;
  assert.equal(await dnsmasq.apply(rendered({})), 'unchanged');
  assert.equal(await dnsmasq.apply(rendered({}, { ...second, ipv4: '10.10.1.3' })), 'reloaded');
  assert.equal((await world.dhcp(2))?.ip, '10.10.1.3');
  assert.deepEqual(await world.resolve(2, 'app1'), ['10.10.1.2']);
  assert.equal(await dnsmasq.apply(rendered({ ...second, ipv4: '10.10.1.3' })), 'reloaded');
  await until('app1 is forgotten', async () => (await world.resolve(2, 'app1')).length === 0);
  assert.equal(await world.dhcp(1, 2), null);
  assert.equal(dnsmasq.pid, pid);
});

test('dnsmasq survives reading its files again after it has served an app', async () => {
  // dnsmasq 2.90 crashes here when a host entry sets a tag.
  const routes = [{ destination: '10.99.0.0/16', gateway: '10.10.1.2' }];
  const dhcp = { dnsServers: [], domain: '', ntpServers: [], routes, noDefaultRoute: false };
  const config = ni({ dhcp });
  const withTag = (...apps: Partial<AppInterfaceConfig>[]) =>
    renderDnsmasq(world.input({ config, apps: apps.map(app) }));
  await dnsmasq.apply(withTag({}));
  assert.doesNotMatch((await world.dhcp(1))?.staticroutes ?? '', /10\.99/);
  assert.equal(await dnsmasq.apply(withTag({}, { ...second, ipv4: '10.10.1.3' })), 'reloaded');
  assert.match((await world.dhcp(2))?.staticroutes ?? '', /10\.99\.0\.0\/16 10\.10\.1\.2/);
  assert.equal(await dnsmasq.apply(withTag({})), 'reloaded');
  await until('app2 is forgotten', async () => (await world.resolve(1, 'app2')).length === 0);
  assert.deepEqual(exits, []);
});

test('an address that went over to another app is given to it at once', async () => {
  await dnsmasq.apply(rendered({}));
  assert.equal((await world.dhcp(1))?.ip, '10.10.1.2');
  await dnsmasq.apply(rendered());
  assert.equal(await dnsmasq.apply(rendered({ ...second, ipv4: '10.10.1.2' })), 'restarted');
  assert.equal((await world.dhcp(2, 2))?.ip, '10.10.1.2');
  assert.doesNotMatch(await readFile(join(world.directory, 'run', 'leases'), 'utf8'), /02:16:3e:00:00:01/);
});

test('a restart keeps the leases', async () => {
  await dnsmasq.apply(rendered({}));
  await world.dhcp(1);
  const leases = await readFile(join(world.directory, 'run', 'leases'), 'utf8');
  const before = dnsmasq.pid;
  const changed = { ...rendered({}), conf: `${rendered({}).conf}# changed\n` };
  assert.equal(await dnsmasq.apply(changed), 'restarted');
  assert.notEqual(dnsmasq.pid, before);
  assert.match(leases, /02:16:3e:00:00:01 10\.10\.1\.2/);
  assert.equal(await readFile(join(world.directory, 'run', 'leases'), 'utf8'), leases);
  assert.deepEqual(exits, [], 'a wanted restart is no exit');
});

test('a config that dnsmasq refuses is an error, and the running one stays', async () => {
  await dnsmasq.apply(rendered({}));
  const { pid } = dnsmasq;
  const wrong = { ...rendered({}), conf: `${rendered({}).conf}no-such-option\n` };
  await assert.rejects(dnsmasq.apply(wrong), (error: Error) => {
    assert.ok(error instanceof DnsmasqError);
    assert.match(error.message, /no-such-option|bad option/);
    return true;
  });
  assert.equal(dnsmasq.pid, pid);
  assert.equal((await world.dhcp(1))?.ip, '10.10.1.2');
});

test('a first start with a refused config tells what dnsmasq said', async () => {
  const wrong = { ...rendered({}), conf: `${rendered({}).conf}no-such-option\n` };
  await assert.rejects(dnsmasq.apply(wrong), /bad option/);
  assert.equal(dnsmasq.pid, null);
  assert.deepEqual(confProcesses(), []);
});

test('a new manager takes over the running dnsmasq and sees what it has read', async () => {
  await dnsmasq.apply(rendered({}));
  const successor = make();
  assert.equal(await successor.adopt(), true);
  assert.equal(successor.pid, dnsmasq.pid);
  assert.equal(await successor.apply(rendered({})), 'unchanged');
  assert.equal(await successor.apply(rendered({}, { ...second, ipv4: '10.10.1.3' })), 'reloaded');
  await successor.stop();
  assert.deepEqual(confProcesses(), []);
  assert.equal(await make().adopt(), false);
});

test('an adopted dnsmasq that dies is noticed', async () => {
  await dnsmasq.apply(rendered({}));
  const noticed: ProcessExit[] = [];
  const { directory, logFile } = world.input();
  const successor = new Dnsmasq({
    directory,
    logFile,
    log: silentLog,
    onExit: exit => void noticed.push(exit),
    binary: world.wrapper('ni', 'dnsmasq'),
  });
  await successor.adopt();
  const pid = successor.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await until('exit is told', () => noticed.length === 1 && exits.length === 1);
  assert.deepEqual(exits, [{ pid, code: null, signal: 'SIGKILL' }]);
  assert.equal(successor.pid, null);
  assert.equal(await successor.apply(rendered({})), 'started');
  await successor.stop();
});

const STATE = ['dnsmasq.state', 'dnsmasq.state.bak'];
const runFile = (name: string) => join(world.directory, 'run', name);

test('one whose state is lost is known by its config, and goes on', async () => {
  await dnsmasq.apply(rendered({}));
  const { pid } = dnsmasq;
  await writeFile(runFile('dnsmasq.state'), 'cut');
  const second = make();
  assert.equal(await second.adopt(), true);
  assert.equal(await second.apply(rendered({})), 'unchanged', 'its backup tells all');
  for (const name of STATE) await writeFile(runFile(name), '');
  const third = make();
  assert.equal(await third.adopt(), true);
  assert.equal(await third.apply(rendered({})), 'reloaded', 'what it has read is not known');
  assert.equal(third.pid, pid);
});

test('it is never started twice: strays, stale pid files and reused pids', async () => {
  await dnsmasq.apply(rendered({}));
  const stray = dnsmasq.pid ?? 0;
  // As if nothing told what it was started with ...
  for (const name of [...STATE, 'dnsmasq.conf']) await rm(runFile(name));
  const successor = make();
  assert.equal(await successor.adopt(), false);
  assert.equal(await successor.apply(rendered({})), 'started');
  assert.equal(identifyProcess(stray), null);
  assert.deepEqual(
    confProcesses().map(({ pid }) => pid),
    [successor.pid],
  );
  // ... and as if its pid had gone to somebody else since.
  const kept = await readFile(runFile('dnsmasq.state'));
  const state = JSON.parse(unseal('dnsmasq', 1, kept));
  for (const name of STATE)
    await writeFile(runFile(name), seal('dnsmasq', 1, JSON.stringify({ ...state, pid: process.pid })));
  const third = make();
  assert.equal(await third.adopt(), true);
  assert.equal(third.pid, successor.pid, 'it is the one with the config');
  assert.equal(await third.apply(rendered({})), 'reloaded');
  assert.equal(confProcesses().length, 1);
  await third.stop();
});

test('a bridge that comes later, or is deleted and made anew, is served without a restart', async () => {
  const newBridge = async () => {
    await world.makeBridge();
    await world.ip('ni', 'link set dev v1 master br', 'link set dev v2 master br');
  };
  await world.ip('ni', 'link del dev br');
  await dnsmasq.apply(rendered({}));
  const { pid } = dnsmasq;
  await newBridge();
  assert.equal((await world.dhcp(1))?.ip, '10.10.1.2');
  await until('DNS on the bridge', async () => (await world.resolve(1, 'app1')).length === 1);
  await world.ip('ni', 'link del dev br');
  await newBridge();
  assert.equal((await world.dhcp(1))?.ip, '10.10.1.2');
  await until('DNS on the new bridge', async () => (await world.resolve(1, 'app1')).length === 1);
  assert.equal(dnsmasq.pid, pid);
});

test('leases are told when they come, without torn reads', async () => {
  await mkdir(join(world.directory, 'run'), { recursive: true });
  const told: Lease[][] = [];
  const stop = watchLeases(join(world.directory, 'run'), leases => void told.push(leases), assert.ifError);
  try {
    await dnsmasq.apply(rendered({}));
    await world.dhcp(1);
    await until('the lease is told', () => told.some(leases => leases.some(({ address }) => address === '10.10.1.2')));
    assert.equal(told.at(-1)?.[0]?.mac, '02:16:3e:00:00:01');
    assert.equal(told.at(-1)?.[0]?.hostname, UUID1);
  } finally {
    stop();
  }
});
