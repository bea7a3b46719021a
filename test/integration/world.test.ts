import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { access, readdir, writeFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../shared/kernel/run.ts';
import { bigDownloadBytes, gatewayAddresses, type Lease, members, World } from '../world/index.ts';
import { isAlive, namespaceInode, namespacesOf, type ProcessId, processesIn, signal } from '../world/proc.ts';
import { readRecords } from '../world/processes.ts';
import { services } from '../world/services.ts';

const prefixes = new Set<string>();

/** A prefix of this test run; whatever is under it is removed in the end. */
function newPrefix(): string {
  const letters = Array.from({ length: 5 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26)));
  const prefix = `t${letters.join('')}`;
  prefixes.add(prefix);
  return prefix;
}

async function removeAll(): Promise<void> {
  for (const prefix of prefixes) await (await World.find(prefix))?.down();
}

after(removeAll);
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => void removeAll().finally(() => process.exit(1)));
}

async function everyProcess(world: World): Promise<ProcessId[]> {
  const names = await namespacesOf(world.prefix);
  const inodes = (await Promise.all(names.map(namespaceInode))).filter(inode => inode !== undefined);
  return processesIn(new Set(inodes));
}

async function assertNothingLeft(world: World, processes: readonly ProcessId[]): Promise<void> {
  assert.deepEqual(await namespacesOf(world.prefix), []);
  const alive = await Promise.all(processes.map(isAlive));
  assert.deepEqual(
    processes.filter((_, index) => alive[index]),
    [],
  );
  await assert.rejects(access(world.runDirectory), { code: 'ENOENT' });
  assert.equal(await World.find(world.prefix), null);
}

async function get(world: World, from: string, url: string, ...args: string[]): Promise<string> {
  const result = await world.exec(from, 'curl', ['-sS', '--noproxy', '*', '--max-time', '5', ...args, url]);
  return result.exitCode === 0 ? result.stdout.trim() : result.stderr.trim();
}

async function resolve(world: World, from: string, name: string, server: string): Promise<string> {
  const { stdout } = await world.exec(from, 'busybox', ['nslookup', '-type=a', name, server]);
  return stdout;
}

/** Puts an app where a switch on the device's eth3 would, by hand. */
async function plugIntoEth3(world: World, app: string): Promise<void> {
  const commands = `link add name ${app} type veth peer name eth0 netns ${world.namespace(app)}
link set dev ${app} up master sw
`;
  await world.exec('device', 'ip', ['-batch', '-'], { input: commands });
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    assert.ok(Date.now() < deadline, `${what} did not come about`);
    await sleep(50);
  }
}

describe('the demo world', () => {
  test('answers: names, web sites, clouds, the device, and nothing for names of apps', async () => {
    const world = await World.up({ prefix: newPrefix() });
    assert.deepEqual(await namespacesOf(world.prefix), members.map(name => world.namespace(name)).sort());
    const github = /198\.51\.100\.10/;
    for (const address of gatewayAddresses.slice(0, 3)) {
      assert.match(await resolve(world, 'device', 'github.com', address), github);
    }
    assert.match(await resolve(world, 'device', 'google.com', '192.168.0.1'), /198\.51\.100\.20/);
    for (const name of ['app1', 'example.org']) {
      assert.match(await resolve(world, 'device', name, '192.168.0.1'), /NXDOMAIN/);
    }
    const site = ['--resolve', 'github.com:80:198.51.100.10'];
    assert.equal(await get(world, 'device', 'http://github.com/', '--interface', 'eth0', ...site), 'github.com');
    assert.equal(await get(world, 'device', 'http://198.51.100.20/', '--interface', 'eth2'), 'google.com');
    assert.equal(await get(world, 'device', 'http://192.168.0.1/'), 'gw');
    assert.equal(await get(world, 'gw', 'http://192.168.111.1/'), 'cloud1');
    assert.equal(await get(world, 'cloud2', 'http://192.168.0.1/'), 'cloud2');
    assert.equal(await get(world, 'gw', 'http://192.168.0.2:2222/'), 'device');
    assert.equal(await get(world, 'app2', 'http://127.0.0.1:81/'), 'app2');
    const size = ['-o', '/dev/null', '-w', '%{size_download}'];
    assert.equal(await get(world, 'device', 'http://198.51.100.10/big', ...size), String(bigDownloadBytes));
    assert.deepEqual(await world.down(), []);
  });

  test('gives a lease to an app as soon as it is plugged in, and again after its interface was replaced', async () => {
    const world = await World.up({ prefix: newPrefix() });
    const input = 'link add name sw type bridge\nlink set dev sw up\nlink set dev eth3 master sw\n';
    await world.exec('device', 'ip', ['-batch', '-'], { input });
    const leaseOf = (app: string): Promise<Lease> => until(`lease of ${app}`, () => world.lease(app, 'eth0'));
    await plugIntoEth3(world, 'app6');
    const first = await leaseOf('app6');
    assert.match(first.address, /^192\.168\.3\.\d+$/);
    assert.deepEqual(first.routers, ['192.168.3.1']);
    assert.equal(await get(world, 'app6', 'http://198.51.100.10/'), 'github.com');

    await world.exec('device', 'ip', ['link', 'del', 'dev', 'app6']);
    await until('end of the lease', async () => !(await world.lease('app6', 'eth0')));
    await plugIntoEth3(world, 'app6');
    const second = await leaseOf('app6');
    const { stdout } = await world.exec('app6', 'ip', ['-4', '-o', 'address', 'show', 'dev', 'eth0']);
    assert.ok(stdout.includes(` ${second.address}/24 `), stdout);

    // Replaced so fast that no one sees it gone.
    const replaced = `link del dev app6\nlink add name app6 type veth peer name eth0 netns ${world.namespace('app6')}\nlink set dev app6 up master sw\n`;
    await world.exec('device', 'ip', ['-batch', '-'], { input: replaced });
    await until('an address on the new interface', async () =>
      (await world.exec('app6', 'ip', ['-4', '-o', 'address', 'show', 'dev', 'eth0'])).stdout.includes('192.168.3.'),
    );
    assert.deepEqual(await world.down(), []);
  });

  test('stands beside another one, which goes without a trace', async () => {
    const [one, other] = await Promise.all([World.up({ prefix: newPrefix() }), World.up({ prefix: newPrefix() })]);
    const processes = await everyProcess(other);
    assert.ok(processes.length > 20);
    const [rules, routes] = await Promise.all([run('ip', ['rule']), run('ip', ['route'])]);
    assert.deepEqual(await other.down(), []);
    await assertNothingLeft(other, processes);
    assert.deepEqual([await run('ip', ['rule']), await run('ip', ['route'])], [rules, routes]);
    assert.equal(await get(one, 'device', 'http://198.51.100.10/'), 'github.com');
    assert.deepEqual(await other.down(), []);
    assert.deepEqual(await one.down(), []);
  });

  test('goes without a trace after half of its processes were killed', async () => {
    const world = await World.up({ prefix: newPrefix() });
    const processes = await everyProcess(world);
    await Promise.all(processes.filter((_, index) => index % 2 === 0).map(target => signal(target, 'SIGKILL')));
    assert.deepEqual(await (await World.find(world.prefix))?.down(), []);
    await assertNothingLeft(world, processes);
  });

  test('goes without a trace after somebody deleted a namespace and killed the process on record', async () => {
    const world = await World.up({ prefix: newPrefix() });
    await until(
      'the monitor',
      async () => (await everyProcess(world)).length > services(world.runDirectory).length + 12,
    );
    const processes = await everyProcess(world);
    await run('ip', ['netns', 'delete', world.namespace('app1')]);
    const app = (await readRecords(world.runDirectory)).find(({ name }) => name === 'app1-dhcp');
    await signal(app!, 'SIGKILL');
    assert.deepEqual(await world.down(), []);
    await assertNothingLeft(world, processes);
  });

  test('does not end a process that only has the pid of one of its own', async () => {
    const world = await World.up({ prefix: newPrefix() });
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore', detached: true }); // leads a session, as a record's process does
    try {
      const [record] = await readRecords(world.runDirectory);
      const file = `${world.runDirectory}/processes/bystander.json`;
      await writeFile(file, JSON.stringify({ ...record, name: 'bystander', pid: bystander.pid }));
      assert.deepEqual(await world.down(), []);
      assert.equal(bystander.exitCode ?? bystander.signalCode, null);
    } finally {
      bystander.kill('SIGKILL');
    }
  });

  for (const delayMs of [0, 15, 40, 80]) {
    test(`goes without a trace when its building was killed ${delayMs} ms after the beginning`, async () => {
      const prefix = newPrefix();
      const module = new URL('../world/index.ts', import.meta.url).href;
      const script = `import(${JSON.stringify(module)}).then(({ World }) => World.up({ prefix: '${prefix}' }))`;
      const builder = spawn(process.execPath, ['--import', 'tsx', '-e', script], { stdio: 'ignore', detached: true });
      const ended = new Promise(resolve => builder.on('exit', resolve));
      const world = await until('the beginning', () => World.find(prefix).then(found => found ?? undefined));
      await sleep(delayMs);
      process.kill(-builder.pid!, 'SIGKILL'); // with the `ip` it has under way
      await ended;
      const processes = await everyProcess(world);
      assert.deepEqual(await world.down(), []);
      await assertNothingLeft(world, processes);
    });
  }

  test('is not built a second time, nor over namespaces of others, nor when told to stop', async () => {
    const prefix = newPrefix();
    const world = await World.up({ prefix });
    await assert.rejects(World.up({ prefix }), /exists already/);
    assert.equal(await get(world, 'device', 'http://198.51.100.10/'), 'github.com');
    assert.deepEqual(await world.down(), []);

    const taken = newPrefix();
    await run('ip', ['netns', 'add', `${taken}-mine`]);
    try {
      await assert.rejects(World.up({ prefix: taken }), /no world made them/);
      assert.deepEqual(await namespacesOf(taken), [`${taken}-mine`]);
    } finally {
      await run('ip', ['netns', 'delete', `${taken}-mine`]);
    }

    const stopped = newPrefix();
    await assert.rejects(World.up({ prefix: stopped, signal: AbortSignal.abort() }), /aborted/);
    assert.deepEqual(await namespacesOf(stopped), []);
    assert.equal(await World.find(stopped), null);
    await assert.rejects(World.up({ prefix: '../etc' }), /can't be a prefix/);
  });

  test('removes all that it made when a part of it can’t be built', async () => {
    const prefix = newPrefix();
    const path = process.env.PATH;
    try {
      process.env.PATH = '/nonexistent';
      await assert.rejects(World.up({ prefix }), /could not be built/);
    } finally {
      process.env.PATH = path;
    }
    assert.deepEqual(await namespacesOf(prefix), []);
    assert.equal(await World.find(prefix), null);
  });

  test('keeps a supervisor until it is stopped, and takes what it left along in the end', async () => {
    const world = await World.up({ prefix: newPrefix() });
    const left = `${world.runDirectory}-left`;
    const script = `mkdir -p ${left}/ns && mount -t tmpfs none ${left}/ns && touch ${left}/ns/file && ip netns add ${world.namespace('ni1')} && exec sleep 600`;
    const options = { command: ['sh', '-c', script], directories: [left] };
    const record = await world.startSupervisor(options);
    await until('the namespace', async () => (await namespacesOf(world.prefix)).includes(world.namespace('ni1')));
    await assert.rejects(world.startSupervisor(options), /already/);
    assert.equal((await world.supervisor())?.pid, record.pid);
    assert.equal(await world.stopSupervisor(), true);
    assert.equal(await world.supervisor(), undefined);
    assert.ok((await readdir(`${left}/ns`)).includes('file'));
    assert.deepEqual(await world.down(), []);
    await assertNothingLeft(world, [record]);
    await assert.rejects(access(left), { code: 'ENOENT' });
  });
});
