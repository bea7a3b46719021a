import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkStopped, noteTraces, runChecks } from '../../conformance/index.ts';
import { type Device, startDevice, until } from './device.ts';
import { assertKeptIn } from './isolation.ts';
import { LOCAL_CHECKS } from './local-checks.ts';
import { tellFailures } from './tell-failures.ts';

/** net_bind_service, net_admin and net_raw. */
const CAPABILITIES = (1n << 10n) | (1n << 12n) | (1n << 13n);

describe('the daemon without user namespaces', () => {
  let device: Device;
  let directory: string;
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-capabilities-'));
    const config = join(directory, 'config.yaml');
    await writeFile(config, `userNamespaces: false\n${await readFile('examples/demo.yaml', 'utf8')}`);
    device = await startDevice(config);
  });
  after(async () => {
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  it('passes all checks of local network instances', async () => {
    const results = await runChecks({ world: device.world, nibox: device.nibox, ids: LOCAL_CHECKS });
    const wrong = results.filter(({ ok }) => !ok).map(({ id, detail }) => `${id}: ${detail}`);
    assert.deepEqual(wrong, []);
  });

  it('says so', async () => {
    assert.equal((await device.instance('ni1')).isolation, 'capabilities');
    assert.match((await device.run('status')).output, /warning: .*ni1, ni2, ni3.*without user namespaces/);
  });

  it('gives managers and their dnsmasq a uid of their own and three capabilities', async () => {
    for (const [name, uid] of [
      ['ni1', 200_000],
      ['ni2', 265_536],
    ] as const) {
      const { manager, dnsmasqPid } = await device.instance(name);
      for (const pid of [manager.pid, dnsmasqPid]) await assertCut(await readFile(`/proc/${pid}/status`, 'utf8'), uid);
      const { output } = await device.exec(name, 'cat', '/proc/self/status');
      await assertCut(output, uid);
    }
  });

  it('keeps a manager from other network instances’ files and processes, and out of other namespaces', async () => {
    await assertKeptIn(device, { userNamespace: false });
  });

  it('brings a killed manager back, which takes over dnsmasq', async () => {
    const was = await device.instance('ni1');
    process.kill(was.manager.pid!, 'SIGKILL');
    await until('ni1 has another manager, online', async () => {
      const now = await device.instance('ni1');
      return now.manager.pid !== was.manager.pid && now.state === 'online' && now.manager.restarts === 1;
    });
    assert.equal((await device.instance('ni1')).dnsmasqPid, was.dnsmasqPid);
  });

  it('leaves nothing when it is stopped', async () => {
    const traces = await noteTraces(device.world);
    await device.world.stopSupervisor();
    const { ok, detail } = await checkStopped(device.world, { traces });
    assert.ok(ok, detail);
  });
});

async function assertCut(status: string, uid: number): Promise<void> {
  const field = (name: string) => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1]?.trim();
  assert.equal(field('Uid'), Array(4).fill(uid).join('\t'));
  assert.equal(field('Gid'), Array(4).fill(uid).join('\t'));
  assert.equal(field('Groups'), '');
  for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    assert.equal(BigInt(`0x${field(set)}`), CAPABILITIES, set);
  assert.equal(field('NoNewPrivs'), '1');
}
