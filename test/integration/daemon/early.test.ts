import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient, NotRunningError } from '../../../supervisor/api/client.ts';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const AT_START = 'networkInstances: [{ name: old, subnet: 10.1.0.0/24 }]';
const APPLIED = 'networkInstances: [{ name: new, subnet: 10.2.0.0/24 }]';
/** Several looks of the supervisor at its device. */
const REST_MS = 2_000;

describe('a daemon that is asked while it starts', () => {
  let device: Device;
  let api: ApiClient;
  let directory: string;
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-early-'));
    await writeFile(join(directory, 'config.yaml'), AT_START);
    device = await startDevice(join(directory, 'config.yaml'), { ready: false });
    api = new ApiClient({ path: `/run/nibox/${device.prefix}/api.sock`, prefix: device.prefix });
  });
  after(async () => {
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  it('tells of its config with the first answer, and keeps a config that is applied then', async () => {
    const { networkInstances } = await asSoonAsItAnswers(() => api.status());
    const applied = await api.apply(APPLIED, 'test', { dryRun: false });
    assert.deepEqual(
      networkInstances.map(({ name }) => name),
      ['old'],
    );
    assert.deepEqual([applied.ok, applied.converged, applied.issues], [true, true, []]);
    await sleep(REST_MS);
    const now = (await api.status()).networkInstances;
    assert.deepEqual(
      now.map(({ name, state }) => `${name} ${state}`),
      ['new online'],
    );
  });

  it('takes nothing that runs for an orphan', async () => {
    await api.apply(AT_START, 'test', { dryRun: false });
    const was = await device.instance('old');
    process.kill((await api.status()).supervisor.pid, 'SIGKILL');
    await until('the supervisor is gone', async () => !(await device.world.supervisor()));
    await device.startSupervisor();
    const { findings, removed } = await asSoonAsItAnswers(() => api.audit(true));
    assert.deepEqual([findings, removed], [[], []]);
    await until('it has the manager', async () => (await device.instance('old')).manager.state === 'running');
    assert.equal((await device.instance('old')).manager.pid, was.manager.pid);
  });

  it('removes at its start what another one was writing when it was killed', async () => {
    process.kill((await api.status()).supervisor.pid, 'SIGKILL');
    await until('the supervisor is gone', async () => !(await device.world.supervisor()));
    const halfMade = `/run/nibox/${device.prefix}/ni/.sAbCdEf`;
    await mkdir(halfMade);
    await device.startSupervisor();
    await until('it is gone', async () => !existsSync(halfMade), 20_000);
  });
});

async function asSoonAsItAnswers<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof NotRunningError)) throw error;
      await sleep(1);
    }
  }
}
