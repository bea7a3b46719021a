import { World } from '../../../test/world/index.ts';
import type { CommonOptions } from '../options.ts';

/** `nibox demo down`: 1 when something could not be removed. */
export async function down({ prefix }: CommonOptions): Promise<number> {
  const world = await World.find(prefix);
  if (!world) {
    process.stdout.write(`There is no demo world ${prefix}.\n`);
    return 0;
  }
  const problems = await removeWorld(world);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length === 0) process.stdout.write(`The demo world ${prefix} is gone.\n`);
  return problems.length === 0 ? 0 : 1;
}

/** Stops nibox, removes the world; gives what went wrong. Signals don't stop it half way. */
export async function removeWorld(world: World): Promise<string[]> {
  let signals = 0;
  const count = () => {
    signals++;
  };
  process.on('SIGINT', count).on('SIGTERM', count).on('SIGHUP', count);
  try {
    const stopped = await world.stopSupervisor();
    let problems: string[];
    let before: number;
    do {
      // A terminal's Ctrl-C also ends the programs that remove things: then once more.
      before = signals;
      problems = await world.down();
    } while (problems.length > 0 && signals > before);
    return stopped ? problems : ['nibox did not stop in time and was killed', ...problems];
  } finally {
    process.off('SIGINT', count).off('SIGTERM', count).off('SIGHUP', count);
  }
}
