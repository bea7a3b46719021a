import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { onTap, runChecks } from '../conformance/index.ts';
import { type Device, startDevice, until } from '../integration/daemon/device.ts';
import { tellFailures } from '../integration/daemon/tell-failures.ts';

describe('a real guest on a TAP VIF', () => {
  let device: Device;
  let directory: string;

  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-guest-'));
    const config = join(directory, 'demo.yaml');
    await writeFile(config, onTap(await readFile('examples/demo.yaml', 'utf8'), 'app3'));
    device = await startDevice(config);
  });
  after(async () => {
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  const app3 = async () => (await device.status()).apps.find(({ name }) => name === 'app3')!.interfaces[0]!;

  it('passes C29: boots, gets a lease from ni3 and fetches github.com through it', async t => {
    const check = runChecks({ world: device.world, nibox: device.nibox, ids: ['C29'] });
    await until('app3 is online', async () => (await app3()).state === 'online', 60_000);
    const [result] = await check;
    assert.deepEqual([result?.id, result?.status], ['C29', 'ok'], result?.detail);
    t.diagnostic(result!.detail);
    const { leased } = await app3();
    assert.ok(result!.detail.startsWith(leased[0]!), `the status shows ${leased}`);
  });

  it('leaves a TAP that waits for the next guest', async () => {
    await until('app3 waits for a guest', async () => (await app3()).state === 'waiting for a guest');
  });

  it('can be asked for by `nibox demo check C29`', async () => {
    const { code, output } = await device.run('demo', 'check', 'C29');
    assert.equal(code, 0, output);
    assert.match(output, /^C29 +ok .*10\.10\.1\.\d+\/24, 200 "github\.com"/m);
  });
});
