import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { ChaosDevice } from '../device/device.ts';
import { difference, inventory } from './inventory.ts';

/** Milliseconds for what is on its way out (a process, a route of the kernel's) to be gone. */
const SETTLE_MS = 10_000;
const AGAIN_MS = 500;

/** What is there that was not at the beginning, or the other way round. Waits a while for nothing. */
export async function leaksSince(device: ChaosDevice, before: readonly string[]): Promise<string[]> {
  const end = Date.now() + SETTLE_MS;
  for (;;) {
    const found = difference(before, await inventory(device));
    if (found.length === 0 || Date.now() > end) return found;
    await sleep(AGAIN_MS);
  }
}

/** What `nibox audit` finds; null: this nibox has no such verb. */
export async function audit(prefix: string): Promise<string[] | null> {
  const verb = await execa(process.execPath, ['dist/nibox.js', 'audit', '--help'], { reject: false });
  if (!verb.stdout.includes('nibox audit')) return null;
  const args = ['dist/nibox.js', 'audit', '--json', '--prefix', prefix];
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, { reject: false });
  return exitCode === 0 ? [] : [stdout || stderr || `nibox audit exited with ${exitCode}`];
}
