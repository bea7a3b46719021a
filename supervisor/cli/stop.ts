import { setTimeout as sleep } from 'node:timers/promises';
import { type CommonOptions, clientOf } from './options.ts';
import { printLine } from './print.ts';

const timeoutMs = 60_000;
const intervalMs = 100;

/** `nibox stop`: returns when the supervisor's process has ended. */
export async function stop(options: CommonOptions & { keep?: boolean }): Promise<void> {
  const pid = await clientOf(options).stop(options.keep);
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`nibox (pid ${pid}) has not stopped within ${timeoutMs / 1000} s`);
    await sleep(intervalMs);
  }
  printLine(options.keep ? 'the supervisor has ended; managers and traffic go on' : 'nibox has stopped');
}

/** `nibox stop NI`: returns when its manager has ended. */
export async function stopManager(ni: string, options: CommonOptions): Promise<void> {
  await clientOf(options).stopManager(ni);
  printLine(`${ni}: its manager is stopped; \`nibox start ${ni}\` starts it again`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
