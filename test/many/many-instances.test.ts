import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Device, startDevice, until } from '../integration/daemon/device.ts';

/** NIBOX_MANY=300 for more. Each takes some 17 MB, and a second of one core to come up. */
const COUNT = Number(process.env.NIBOX_MANY ?? 100);

describe(`${COUNT} network instances with one subnet`, () => {
  let device: Device;
  let directory: string;
  let config: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-many-'));
    config = join(directory, 'config.json');
    await writeFile(config, '{}');
    device = await startDevice(config, { ready: false });
    await until('the daemon answers', async () => (await device.status()).supervisor.pid > 0, 60_000);
    const networkInstances = Array.from({ length: COUNT }, (_, index) => {
      return { name: `n${index + 1}`, port: `eth${index % 3}`, subnet: '10.10.1.0/24' };
    });
    await writeFile(config, JSON.stringify({ networkInstances }));
  });
  after(async () => {
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  it('come up with one apply, which waits for the last of them', async t => {
    const start = performance.now();
    const { code, output } = await device.run('apply', config);
    assert.equal(code, 0, output);
    t.diagnostic(`${COUNT} up after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    const { networkInstances } = await device.status();
    assert.equal(networkInstances.length, COUNT);
    for (const { name, state, error, manager, driftRepairs, items } of networkInstances) {
      const wrong = items.filter(item => item.state !== 'ok');
      assert.deepEqual(
        { name, state, error, restarts: manager.restarts, driftRepairs, wrong },
        { name, state: 'online', error: null, restarts: 0, driftRepairs: 0, wrong: [] },
      );
    }
  });

  it('all reach their uplinks', async () => {
    for (const index of [0, 1, 2, COUNT - 3, COUNT - 2, COUNT - 1]) {
      const gateway = `http://192.168.${index % 3}.1/`;
      const { exitCode } = await device.world.exec(`n${index + 1}`, 'curl', ['-sf', '--max-time', '20', gateway]);
      assert.equal(exitCode, 0, `n${index + 1} to ${gateway}`);
    }
  });

  it('are taken over by another supervisor, and no ping is lost meanwhile', async t => {
    const gateway = `192.168.${(COUNT - 1) % 3}.1`;
    const ping = device.world.exec(`n${COUNT}`, 'ping', ['-i', '0.2', '-c', '75', '-W', '5', gateway]);
    const pids = async () => (await device.status()).networkInstances.map(({ manager }) => manager.pid);
    const was = await pids();
    const start = performance.now();
    await device.restartSupervisor();
    t.diagnostic(`taken over after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    assert.deepEqual(await pids(), was);
    assert.match((await ping).stdout, / 0% packet loss/);
  });

  it('go again, and nothing of them stays', async t => {
    const start = performance.now();
    await writeFile(config, '{}');
    const { code, output } = await device.run('apply', config);
    assert.equal(code, 0, output);
    t.diagnostic(`gone after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    assert.deepEqual(await readdir(`/run/nibox/${device.prefix}/ni`), []);
    const names = await readdir('/run/netns');
    assert.deepEqual(
      names.filter(name => name.startsWith(`${device.prefix}-n`)),
      [],
    );
  });
});
