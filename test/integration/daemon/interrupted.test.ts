import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespacesOf } from '../../world/proc.ts';
import { randomPrefix, until } from './device.ts';

/** Command line and environment of every process that names the prefix's world. */
async function processesNaming(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter(entry => /^\d+$/.test(entry) && Number(entry) !== process.pid);
  const texts = await Promise.all(
    pids.map(async pid => {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      return `${await read('cmdline')}${await read('environ')}`;
    }),
  );
  return texts.filter(text => text.includes(directory)).map(text => text.split('\0').slice(0, 3).join(' '));
}

const device = new URL('./interrupted-device.ts', import.meta.url).pathname;

/** Ends a program that makes the world of a prefix, some time after it has begun to, and looks for what is left. */
async function endAfter(delayMs: number, program: (prefix: string) => readonly string[]): Promise<void> {
  const prefix = randomPrefix();
  const directory = `/run/nibox-world/${prefix}`;
  const child = spawn(process.execPath, program(prefix), { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await until('the world is begun', async () => existsSync(directory));
  await sleep(delayMs);
  child.kill('SIGTERM');
  await ended;
  assert.deepEqual(await processesNaming(`${directory}/`), []);
  assert.deepEqual(await namespacesOf(prefix), []);
  assert.deepEqual([existsSync(directory), existsSync(`/run/nibox/${prefix}`)], [false, false]);
}

for (const delayMs of [0, 50, 100, 150, 200, 300, 700, 1_000, 2_000, 4_000]) {
  test(`a test that is ended ${delayMs} ms after its world is begun leaves nothing`, () =>
    endAfter(delayMs, prefix => ['--import', 'tsx', device, prefix]));
}

test('`demo up` that is ended while it builds the world leaves nothing', async () => {
  for (const delayMs of [0, 50, 100]) {
    await endAfter(delayMs, prefix => ['dist/nibox.js', 'demo', 'up', '--prefix', prefix]);
  }
});
