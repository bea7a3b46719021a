import { open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import type { ChaosDevice } from '../device/device.ts';
import { instances } from '../device/layout.ts';
import type { Random } from '../random.ts';
import type { ActionKind } from './action.ts';

const FULL_MS = { least: 500, most: 3_000 };
const FILLER = 'chaos-filler';

/** What is kept over restarts: the supervisor's state, and the managers' in the run directory. */
async function stateFiles({ stateDirectory, runDirectory }: ChaosDevice): Promise<string[]> {
  const found = await Promise.all(
    [stateDirectory, join(runDirectory, 'ni')].map(async directory => {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter(entry => entry.isFile() && entry.name !== FILLER)
        .map(entry => join(entry.parentPath ?? entry.path, entry.name));
    }),
  );
  return found.flat().sort();
}

const damages: Record<string, (file: string, size: number, random: Random) => Promise<void>> = {
  removed: file => rm(file),
  emptied: file => truncate(file, 0),
  'cut off': (file, size, random) => truncate(file, random.between(0, Math.max(0, size - 1))),
  scribbled: async (file, size, random) => {
    const handle = await open(file, 'r+');
    const at = random.between(0, Math.max(0, size - 1));
    await handle.write(random.bytes(random.between(1, 16)), 0, undefined, at).finally(() => handle.close());
  },
  'filled with garbage': (file, size, random) => writeFile(file, random.bytes(Math.min(Math.max(1, size), 4096))),
};

/** Damages a file of state; every other time the supervisor has to read it at once. */
export const stateDamage: ActionKind = {
  name: 'damage state file',
  effect: 'death',
  weight: 4,
  targets: ['supervisor'],
  affects: () => instances,
  perform: async ({ device }, _, random) => {
    const files = await stateFiles(device);
    if (files.length === 0) return null;
    const file = random.pick(files);
    const how = random.pick(Object.keys(damages));
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    await damages[how]!(file, size, random).catch(() => {}); // it is being replaced
    const { keeper, world, runDirectory } = device;
    const where = file.startsWith(runDirectory) ? relative(runDirectory, file) : relative(world.runDirectory, file);
    if (random.chance(0.5)) return { detail: `${where} ${how}`, isUndone: () => true };
    const { pid } = keeper;
    keeper.kill('SIGKILL');
    return {
      detail: `${where} ${how}, and the supervisor killed`,
      isUndone: ({ status }) => status.supervisor.pid !== pid,
    };
  },
};

/** Not a byte is free on the disks of state and logs, for a while. */
export const fullDisk: ActionKind = {
  name: 'fill disk',
  effect: 'death',
  weight: 1,
  targets: ['disk'],
  affects: () => instances,
  isAlone: true,
  perform: async ({ device: { stateDirectory, logDirectory } }, _, random) => {
    const fillers = [stateDirectory, logDirectory].map(directory => join(directory, FILLER));
    const duration = random.between(FULL_MS.least, FULL_MS.most);
    await Promise.all(fillers.map(file => run('dd', ['if=/dev/zero', `of=${file}`, 'bs=64k']).catch(() => {}))); // ENOSPC ends it
    await sleep(duration);
    await Promise.all(fillers.map(file => rm(file, { force: true })));
    return { detail: `full for ${duration} ms`, isUndone: () => true };
  },
};
