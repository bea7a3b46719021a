import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { checkStopped, noteTraces } from '../../conformance/index.ts';
import { differences } from './attack/attacker.ts';
import { Canary, FILE_ATTACKS } from './attack/files.ts';
import { KERNEL_ATTACKS } from './attack/kernel.ts';
import { NETWORK_ATTACKS } from './attack/network.ts';
import { PROCESS_ATTACKS } from './attack/processes.ts';
import { PUBSUB_ATTACKS } from './attack/pubsub.ts';
import { RESOURCE_ATTACKS } from './attack/resources.ts';
import { Stage } from './attack/stage.ts';
import { type Device, startDevice } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const ATTACKS = [
  ...FILE_ATTACKS,
  ...PROCESS_ATTACKS,
  ...KERNEL_ATTACKS,
  ...NETWORK_ATTACKS,
  ...PUBSUB_ATTACKS,
  ...RESOURCE_ATTACKS,
];
const REMOVAL = 'removal';
/** Of this test alone: who has the uid of another nibox's manager on this machine may send it signals. */
const UID_BASE = 500_000_000 + 65_536 * 16 * (process.pid % 3000);

describe('code in the manager of ni1 that was taken over', () => {
  let device: Device;
  let stage: Stage;
  let directory: string;
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-attack-'));
    const config = join(directory, 'config.yaml');
    await writeFile(config, `uidBase: ${UID_BASE}\n${await readFile('examples/demo.yaml', 'utf8')}`);
    device = await startDevice(config);
    stage = new Stage(device);
    await stage.note();
  });
  after(async () => {
    const left = await device?.down();
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(left, []);
  });

  it('has what the manager has, here', async () => {
    const { own } = await stage.targets();
    assert.deepEqual(await differences(own.manager), []);
  });

  it('tries what docs/security.md lists, no more and no less', async () => {
    const rows = (await readFile('docs/security.md', 'utf8')).matchAll(/^\| `([\w-]+)` \|/gm);
    assert.deepEqual([...rows].map(([, id]) => id).sort(), [...ATTACKS.map(({ id }) => id), REMOVAL].sort());
    assert.ok(ATTACKS.length >= 25);
  });

  describe('gets nowhere and disturbs nobody by', () => {
    afterEach(() => stage.mustBeUndisturbed());
    for (const attack of ATTACKS) it(attack.id, () => attack.run(stage));
  });

  it(`leads nobody out of its directory by the ${REMOVAL}, and does not outlive it`, async () => {
    const canary = new Canary(stage);
    const traces = await noteTraces(device.world);
    const { log } = await stage.targets();
    const links = `ln -s ${canary.directory} d; ln -s ${canary.file} f; mkdir -p a/b/c; ln -s ${canary.directory} a/b/c/d`;
    await stage.attack(`cd ${stage.own}; ${links}; cd ${log}/ni1; ${links}; setsid sleep 300 > /dev/null 2>&1 &`);
    // Somebody who keeps exchanging a directory for a link while root removes it.
    const { own } = await stage.targets();
    const swap = `cd ${stage.own}; while :; do mkdir -p s; rm -rf s; ln -s ${canary.directory} s; rm -f s; done 2> /dev/null`;
    const swapping = spawn('nsenter', [
      '-t',
      `${own.manager}`,
      '-U',
      '-n',
      '-m',
      '--setuid',
      '0',
      '--setgid',
      '0',
      'timeout',
      '60',
      'sh',
      '-c',
      swap,
    ]);
    await device.world.stopSupervisor();
    swapping.kill('SIGKILL');
    canary.mustBeUntouched();
    const { ok, detail } = await checkStopped(device.world, { traces });
    assert.ok(ok, detail);
  });
});
