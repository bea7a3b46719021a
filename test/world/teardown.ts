import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../shared/kernel/run.ts';
import { unmountUnder } from './mounts.ts';
import { namespaceInode, namespacesOf, type ProcessId, processesIn, processesInSessionsOf, signal } from './proc.ts';
import { readRecords } from './processes.ts';
import { endSupervisor, readSupervisor } from './supervisor.ts';

/** Milliseconds until processes that were sent SIGKILL must be gone. */
const killTimeoutMs = 5_000;

/**
 * Removes a world from what is on disk and in the kernel: processes, namespaces, files. Collects problems and goes on; run
 * again, it does the rest. Namespaces that begin with the prefix are the world's: `up` saw to it that there were none.
 */
export async function tearDown(prefix: string, dir: string): Promise<string[]> {
  const problems: string[] = [];
  const attempt = async (what: string, act: () => Promise<void>) => {
    await act().catch((cause: unknown) => {
      problems.push(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
    });
  };
  const supervisor = await readSupervisor(dir);
  await attempt('stop the supervisor', async () => {
    if (!(await endSupervisor(dir))) throw new Error('it had to be killed');
  });
  await attempt('end processes', () => endProcesses(prefix, dir));
  await attempt('delete namespaces', () => deleteNamespaces(prefix));
  for (const directory of [...(supervisor?.directories ?? []), dir]) {
    await attempt(`remove ${directory}`, async () => {
      await unmountUnder(directory);
      await rm(directory, { recursive: true, force: true });
    });
  }
  return problems;
}

/** Nothing in the world has anything to save, so no time is lost with SIGTERM. Again until none is left: they may fork. */
async function endProcesses(prefix: string, dir: string): Promise<void> {
  const deadline = Date.now() + killTimeoutMs;
  for (;;) {
    const left = await processesOf(prefix, dir);
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`still running: ${left.map(({ pid }) => pid).join(', ')}`);
    await Promise.all(left.map(target => signal(target, 'SIGKILL')));
    await sleep(20);
  }
}

/** What lives in the world's namespaces, and what the processes on record began, wherever that lives by now. */
async function processesOf(prefix: string, dir: string): Promise<ProcessId[]> {
  const names = await namespacesOf(prefix);
  const inodes = (await Promise.all(names.map(namespaceInode))).filter(inode => inode !== undefined);
  const found = await Promise.all([processesIn(new Set(inodes)), processesInSessionsOf(await readRecords(dir))]);
  return found.flat().filter(({ pid }) => pid !== process.pid);
}

async function deleteNamespaces(prefix: string): Promise<void> {
  const names = await namespacesOf(prefix);
  if (names.length === 0) return;
  await run('ip', ['-force', '-batch', '-'], { input: names.map(name => `netns delete ${name}\n`).join('') });
}
