import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { waitUntilReady } from '../../conformance/index.ts';
import { type Damage, damages } from '../../unit/shared/state/damages.ts';
import { type Device, randomPrefix, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const READY_MS = 120_000;
const GARBAGE: Damage = { name: 'garbage', do: file => execFileSync('sh', ['-c', 'echo garbage > "$1"', 'sh', file]) };
/** What was first on the device and is not any more: the numbers that go on are not those that a new start would give. */
const BEFORE = {
  instance: '  - { name: gone, subnet: 10.99.0.0/24 }\n\n  - name: ni1\n',
  app: 'apps:\n  - name: app0\n    interfaces:\n      - { networkInstance: ni1 }\n\n',
};

describe('the state on disk', () => {
  let device: Device;
  let config: string;
  const prefix = randomPrefix();
  const run = `/run/nibox/${prefix}`;
  let state: string;
  tellFailures(() => device);

  before(async () => {
    // Managers keep their state there: a file system of its own can be filled.
    await mkdir(join(run, 'ni'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=755', 'tmpfs', join(run, 'ni')]);
    const demo = await readFile('examples/demo.yaml', 'utf8');
    config = join('/tmp', `nibox-state-${prefix}.yaml`);
    await writeFile(config, demo.replace('  - name: ni1\n', BEFORE.instance).replace('apps:\n', BEFORE.app));
    device = await startDevice(config, { prefix, ready: false });
    state = join(device.world.runDirectory, 'nibox-state');
    await until('ni6 has its number', async () => ((await numbers()).instances.ni6?.number ?? 0) === 7, READY_MS);
    await writeFile(config, demo);
    await device.run('apply', config);
    await waitUntilReady(device.world, device.nibox, READY_MS);
    // Those on a switch are learnt some seconds later.
    await until('all addresses are known', async () => {
      const { apps } = (await device.status()) as unknown as Report;
      return apps.every(({ interfaces }) => interfaces.every(({ leased }) => leased.some(one => one.includes('.'))));
    });
  });
  after(async () => {
    const left = await device?.down();
    execFileSync('sh', ['-c', 'umount -l "$1" 2>/dev/null; rm -rf "$1"', 'sh', join(run, 'ni')]);
    await rm(run, { recursive: true, force: true });
    await rm(config, { force: true });
    assert.deepEqual(left, []);
  });

  /** All that must not change for what runs. */
  async function numbers() {
    const { networkInstances, apps } = (await device.status()) as unknown as Report;
    return {
      instances: Object.fromEntries(
        networkInstances.map(({ name, number, transit, manager, dnsmasqPid, ...counts }) => {
          const { nftTransactions, ipBatches, driftRepairs } = counts;
          return [name, { number, transit, pid: manager.pid, dnsmasqPid, nftTransactions, ipBatches, driftRepairs }];
        }),
      ),
      vifs: apps.flatMap(({ name, interfaces }) =>
        interfaces.map(({ vif, vifNumber, mac, ipv4, leased }) => [name, vif, vifNumber, mac, ipv4, leased]),
      ),
    };
  }

  async function kill(): Promise<void> {
    process.kill((await device.status()).supervisor.pid, 'SIGKILL');
    await until('the supervisor is gone', async () => !(await device.world.supervisor()));
  }

  async function startAgain(): Promise<void> {
    await device.startSupervisor();
    await waitUntilReady(device.world, device.nibox, READY_MS);
  }

  /** Kills the supervisor, does something to what it keeps, and starts another one, while an app pings through its NI. */
  async function survive(harm: () => Promise<void>): Promise<void> {
    const was = await numbers();
    const ping = device.world.spawn('app1', 'ping', ['-i', '0.05', '-q', '-I', 'eth0', '192.168.0.1']);
    let said = '';
    ping.stdout?.on('data', chunk => (said += String(chunk)));
    try {
      await kill();
      await harm();
      await startAgain();
      assert.deepEqual(await numbers(), was);
    } finally {
      const ended = new Promise(done => ping.once('close', done));
      ping.kill('SIGINT');
      await ended;
    }
    assert.match(said, / 0% packet loss/);
  }

  const warnings = async () => ((await device.status()) as unknown as Report).warnings.join('\n');

  it('may be lost as a whole: a new supervisor reads all numbers off what runs, and nothing changes for apps', async () => {
    assert.equal((await numbers()).instances.ni1?.number, 2, 'not the number of a new start');
    await survive(() => rm(state, { recursive: true }));
    assert.deepEqual((await readdir(state)).sort(), [
      ...['config.last-good', 'config.last-good.bak', 'digest.key', 'digest.key.bak'],
      ...['numbers.json', 'numbers.json.bak'],
    ]);
  });

  it('may be bad in both copies of every file that the supervisor keeps, and each is told', async () => {
    const files = [
      ...['numbers.json', 'digest.key', 'config.last-good'].map(file => join(state, file)),
      join(run, 'root.json'),
      join(run, 'ports', 'eth3.json'),
      ...['ni1', 'ni4', 'ni6'].map(ni => join(run, 'ns', ni, 'type')),
    ].flatMap(file => [file, `${file}.bak`]);
    await survive(async () => {
      for (const file of files) {
        await stat(file);
        GARBAGE.do(file);
      }
      for (const ni of ['ni1', 'ni6']) await rm(join(run, 'ns', ni, 'uid'));
    });
    const told = await warnings();
    for (const file of files) assert.ok(told.includes(`${file} could not be used`), `${file} in ${told}`);
    const ports = (await device.instance('ni6')).ports;
    assert.deepEqual(ports, [{ interface: 'eth3', state: 'held', shared: false, bridged: 'forwarding', error: null }]);
  });

  for (const damage of damages(3).filter(({ name }) => /1\/3|behind|newer|directory|itself/.test(name))) {
    it(`may be damaged in one copy of each file (${damage.name})`, async () => {
      await survive(async () => {
        for (const file of ['numbers.json', 'digest.key', 'config.last-good']) damage.do(join(state, file));
        for (const file of ['root.json', 'ports/eth3.json', 'ns/ni1/type']) damage.do(join(run, file));
      });
      assert.match(await warnings(), /numbers\.json could not be used: .+; its backup is used; the bad one is kept as/);
    });
  }

  it('of a manager may be damaged: the next one adopts what runs, and tells of the file', async () => {
    const { pid, ...was } = (await numbers()).instances.ni1!;
    const directory = join(run, 'ni', 'ni1');
    for (const file of ['ruleset.json', 'dnsmasq/dnsmasq.state']) GARBAGE.do(join(directory, file));
    process.kill(pid!, 'SIGKILL');
    await until('another manager is ready', async () => {
      const { manager, state: now } = await device.instance('ni1');
      return manager.pid !== null && manager.pid !== pid && now === 'online';
    });
    const { pid: _, ...now } = (await numbers()).instances.ni1!;
    assert.deepEqual(now, { ...was, nftTransactions: 0, ipBatches: 0, driftRepairs: 0 });
    assert.match(await warnings(), /ni1: .+ruleset\.json could not be used/);
  });

  it('may lie on a disk that is full or read-only: told, worked on from memory, saved when there is room', async () => {
    const other = `${state}.kept`;
    await survive(async () => {
      await cp(state, other, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', state]);
      await cp(other, state, { recursive: true });
    });
    const full = [join(state, 'fill'), join(run, 'ni', 'fill')] as const;
    const fill = (file: string) =>
      execFileSync('sh', ['-c', 'dd if=/dev/zero of="$1" bs=4k 2>/dev/null; true', 'sh', file]);
    const was = await numbers();
    const text = await readFile(config, 'utf8');
    fill(full[0]);
    await writeFile(config, text.replace('  - name: ni1\n', BEFORE.instance));
    assert.equal((await device.run('apply', config)).code, 0, 'a new network instance works');
    assert.match(await warnings(), /numbers\.json can't be saved: ENOSPC/);

    await writeFile(config, text);
    assert.equal((await device.run('apply', config)).code, 0);
    fill(full[1]);
    const rule = '{ id: 2, ip: 192.168.0.0/16 }';
    await writeFile(config, text.replace(rule, `${rule}\n          - { id: 3, ip: 198.51.100.20 }`));
    assert.equal((await device.run('apply', config)).code, 0);
    const allowed = ['--interface', 'eth0', '--resolve', 'google.com:80:198.51.100.20', 'http://google.com/'];
    const { stdout } = await device.world.exec('app1', 'curl', ['-s', '--connect-timeout', '5', ...allowed]);
    assert.equal(stdout.trim(), 'google.com', 'a new rule works');
    await until('its manager tells', async () => /ni1: .+ruleset\.json can't be saved: ENOSPC/.test(await warnings()));
    assert.equal((await device.instance('ni1')).state, 'online');

    for (const file of full) await rm(file);
    await until('all is saved', async () => !/can't be saved/.test(await warnings()));
    await writeFile(config, text);
    execFileSync('mount', ['-o', 'remount,ro', state]);
    try {
      assert.equal((await device.run('apply', config)).code, 0);
      assert.match(await warnings(), /can't be saved: EROFS/);
      await kill();
      await startAgain();
      const now = await numbers();
      assert.deepEqual(now.vifs, was.vifs);
      assert.deepEqual(
        Object.entries(now.instances).map(([name, { number, pid }]) => [name, number, pid]),
        Object.entries(was.instances).map(([name, { number, pid }]) => [name, number, pid]),
      );
      assert.match(await warnings(), /can't be saved: EROFS/);
    } finally {
      execFileSync('mount', ['-o', 'remount,rw', state]);
    }
    await until('it is saved again', async () => !/can't be saved/.test(await warnings()));
  });
});

/** What these tests look at in the status. */
interface Report {
  networkInstances: {
    name: string;
    number: number;
    transit: object | null;
    manager: { pid: number | null };
    dnsmasqPid: number;
    nftTransactions: number;
    ipBatches: number;
    driftRepairs: number;
  }[];
  apps: {
    name: string;
    interfaces: { vif: string; vifNumber: number; mac: string; ipv4: string; leased: string[] }[];
  }[];
  warnings: string[];
}
