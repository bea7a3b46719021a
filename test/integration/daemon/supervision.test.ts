import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Device, type InstanceReport, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

/** Quick, so that the tests are. */
const LIMITS = '{ pingInterval: 0.5, secondLook: 0.5, abortGrace: 1, restartDelayMax: 0.3, upgradePause: 0.1 }';
const BUNDLE = 'dist/manager.cjs';
const GATEWAYS = { app1: '10.10.1.1', app4: '10.10.10.1' } as const;

describe('managers under supervision', () => {
  let device: Device;
  let directory: string;
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-supervision-'));
    const config = join(directory, 'config.yaml');
    await writeFile(config, `supervision: ${LIMITS}\n${await readFile('examples/demo.yaml', 'utf8')}`);
    device = await startDevice(config);
  });
  after(async () => {
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  const all = async () => (await device.status()).networkInstances;
  const facts = ({ name, dnsmasqPid, vpn }: InstanceReport) => ({ name, dnsmasqPid, charon: vpn?.charonPid });
  const run = async (...args: string[]) => {
    const { code, output } = await device.run(...args);
    assert.equal(code, 0, output);
    return output;
  };
  /** The real bundle, and something at its end. */
  const bundle = async (name: string, more: string) => {
    const file = join(directory, `${name}.cjs`);
    await writeFile(file, `${await readFile(BUNDLE, 'utf8')}\n${more}\n`);
    return file;
  };
  const untilOnline = (name: string) =>
    until(`${name} is in service`, async () => {
      const { state, manager, stale } = await device.instance(name);
      return state === 'online' && manager.state === 'running' && stale === null;
    });

  it('continues one that was stopped by a signal', async () => {
    const { manager } = await device.instance('ni1');
    process.kill(manager.pid!, 'SIGSTOP');
    await until('it runs', async () => !(await readFile(`/proc/${manager.pid}/stat`, 'utf8')).includes(') T '));
    assert.equal((await device.instance('ni1')).manager.pid, manager.pid);
  });

  it('has its services continued that were stopped by a signal', async () => {
    const { dnsmasqPid, vpn } = await device.instance('ni4');
    for (const pid of [dnsmasqPid, vpn!.charonPid]) process.kill(pid, 'SIGSTOP');
    for (const pid of [dnsmasqPid, vpn!.charonPid]) {
      await until(`${pid} runs`, async () => !(await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') T '));
    }
  });

  it('shows what a stopped one said last, marked stale with its age, and starts none though the supervisor is killed', async () => {
    const was = await device.instance('ni1');
    await run('stop', 'ni1');
    const now = await device.instance('ni1');
    assert.equal(now.manager.state, 'stopped');
    assert.equal(typeof now.stale, 'number');
    assert.deepEqual(facts(now), facts(was));
    assert.match((await device.run('status', 'ni1')).output, /online\? \(told \d+s ago\)/);
    process.kill((await device.status()).supervisor.pid, 'SIGKILL');
    await until('the supervisor is gone', async () => !(await device.world.supervisor()));
    await device.startSupervisor();
    await until('it answers', async () => (await device.status()).networkInstances.length > 0);
    await untilOnline('ni2');
    assert.equal((await device.instance('ni1')).manager.state, 'stopped');
    await run('start', 'ni1');
    await untilOnline('ni1');
    assert.deepEqual(facts(await device.instance('ni1')), facts(was));
  });

  it('takes over a manager that a new supervisor finds stopped by a signal', async () => {
    const was = await all();
    const { pid } = was[0]!.manager;
    process.kill(pid!, 'SIGSTOP');
    await device.restartSupervisor();
    await untilOnline('ni1');
    assert.deepEqual(
      (await all()).map(({ manager }) => manager.pid),
      was.map(({ manager }) => manager.pid),
    );
  });

  it('removes nothing though much happens while a new supervisor starts', async () => {
    const was = await all();
    // As when other programs make network namespaces, for example for containers.
    const file = `/run/netns/stir-${device.prefix}`;
    const stir = `trap 'rm -f ${file}; exit' TERM; while :; do : > ${file}; rm ${file}; sleep 0.01; done`;
    const stirring = device.world.spawn('device', 'sh', ['-c', stir]);
    try {
      for (let times = 0; times < 3; times += 1) {
        process.kill((await device.status()).supervisor.pid, 'SIGKILL');
        await until('the supervisor is gone', async () => !(await device.world.supervisor()));
        await device.startSupervisor();
        await until('it answers', async () => (await device.status()).networkInstances.length > 0);
        for (const { name } of was) await untilOnline(name);
      }
    } finally {
      stirring.kill('SIGTERM');
    }
    const pids = (report: InstanceReport[]) => report.map(({ manager }) => manager.pid);
    assert.deepEqual(pids(await all()), pids(was));
    assert.deepEqual((await all()).map(facts), was.map(facts));
  });

  it('replaces all by such with other code, one after the other, while packets flow', async () => {
    const was = await all();
    const pings = Object.entries(GATEWAYS).map(([app, gateway]) =>
      device.world.exec(app, 'ping', ['-q', '-i', '0.01', '-c', '400', '-W', '2', gateway], { timeoutMs: 60_000 }),
    );
    const output = await run('upgrade', '--bundle', await bundle('other', '// another version'));
    const now = await all();
    for (const [index, ni] of now.entries()) {
      assert.match(output, new RegExp(`^${ni.name}: `, 'm'));
      assert.notEqual(ni.manager.version, was[index]!.manager.version);
      assert.notEqual(ni.manager.pid, was[index]!.manager.pid);
      assert.deepEqual(facts(ni), facts(was[index]!));
      assert.equal(ni.manager.causes.upgrade, 1);
    }
    for (const ping of pings) assert.match((await ping).stdout, / 0% packet loss/);
  });

  it('stops an upgrade at the first that does not come into service, and the old code goes on', async () => {
    const was = await all();
    const bad = join(directory, 'bad.cjs');
    await writeFile(bad, 'process.exit(78)');
    const { code, output } = await device.run('upgrade', '--bundle', bad);
    assert.equal(code, 1);
    assert.match(output, /^ni1: exited with 78 with the new code; it has its old code back$/m);
    assert.match(output, /not tried, with the old code: ni2, ni3, ni4, ni5, ni6/);
    await untilOnline('ni1');
    const versions = (report: InstanceReport[]) => report.map(({ manager }) => manager.version);
    assert.deepEqual(versions(await all()), versions(was));
    assert.match((await device.run('upgrade', '--bundle', join(directory, 'none.cjs'))).output, /none\.cjs/);
  });

  it('replaces one that hangs, and gives up one that dies again and again, while others go on', async () => {
    const others = async () => (await all()).slice(1).map(({ manager }) => manager.pid);
    // The first manager of ni1 hangs, all later ones die soon after they are in service.
    const trap = `if (process.argv[2].includes('"ni1"')) setTimeout(() => {
      const mark = JSON.parse(process.argv[2]).runDirectory + '/hung';
      if (require('fs').existsSync(mark)) process.exit(3);
      require('fs').writeFileSync(mark, '');
      for (;;);
    }, 1500)`;
    await run('upgrade', '--bundle', await bundle('trap', trap));
    const pids = await others();
    await until('ni1 is given up', async () => (await device.instance('ni1')).manager.state === 'failed', 120_000);
    const ni1 = await device.instance('ni1');
    assert.equal(ni1.manager.causes.watchdog, 1);
    assert.ok(ni1.manager.causes.exit! >= 5, JSON.stringify(ni1.manager.causes));
    assert.equal(ni1.state, 'failed');
    assert.match(ni1.error!, /its manager exited with 3 again and again; see `nibox logs ni1`/);
    assert.ok(ni1.manager.deaths.every(({ log }) => log.length > 0));
    assert.match((await device.run('status', 'ni1')).output, /watchdog/);
    assert.deepEqual(await others(), pids);
    const page = await device.world.exec('app1', 'ping', ['-c', '1', '-W', '2', GATEWAYS.app1]);
    assert.equal(page.exitCode, 0, 'the data plane goes on');
    await run('upgrade');
    await untilOnline('ni1');
  });

  it('brings those of another version up to date when a new supervisor finds them', async () => {
    await run('upgrade', '--bundle', await bundle('older', '// older'));
    const was = await all();
    await device.restartSupervisor();
    await until('all are replaced', async () =>
      (await all()).every(({ manager }, index) => manager.version !== was[index]!.manager.version),
    );
    for (const { name } of was) await untilOnline(name);
    assert.deepEqual((await all()).map(facts), was.map(facts));
  });
});
