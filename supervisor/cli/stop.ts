import { setTimeout as sleep } from 'node:timers/promises';
import { type CommonOptions, clientOf } from './options.ts';
import { printLine } from './print.ts';

const timeoutMs = 60_000;
const intervalMs = 100;

/** `nibox stop`: returns when the supervisor's process has ended. */
export async function stop(options: CommonOptions): Promise<void> {
  const pid = await clientOf(options).stop();
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`nibox (pid ${pid}) has not stopped within ${timeoutMs / 1000} s`);
    await sleep(intervalMs);
  }
  printLine('nibox has stopped');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
