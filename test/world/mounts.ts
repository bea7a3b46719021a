import { readFile } from 'node:fs/promises';
import { run } from '../../shared/kernel/run.ts';

/** Mount points at or under a directory, deepest first. */
export async function mountsUnder(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(point => point === directory || point.startsWith(`${directory}/`))
    .reverse();
}

/** Unmounts everything at or under a directory. */
export async function unmountUnder(directory: string): Promise<void> {
  for (const point of await mountsUnder(directory)) await run('umount', ['--lazy', point]);
}
