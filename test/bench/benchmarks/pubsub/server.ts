import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server has so long until it answers. */
const START_MS = 10_000;

/** Starts a server and waits until `isUp` says so; `stop` ends it by its pid. Throws with what it said when it does not come up. */
export async function startServer(
  command: string,
  args: readonly string[],
  isUp: () => Promise<boolean>,
): Promise<() => Promise<void>> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text));
  child.on('error', error => (said += error.message));
  const deadline = performance.now() + START_MS;
  while (!(await isUp())) {
    if (child.exitCode === null && child.pid !== undefined && performance.now() < deadline) await sleep(50);
    else {
      await endProcess(child);
      throw new Error(`${command} does not answer: ${said.trim()}`);
    }
  }
  return () => endProcess(child);
}

/** SIGKILL: there is nothing to be kept. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
