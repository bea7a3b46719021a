import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { paths } from './files.ts';
import { isAlive, type ProcessId, signal, startTime } from './proc.ts';

/** A process that outlives the one that started it. */
export interface ProcessRecord extends ProcessId {
  name: string;
  command: readonly string[];
  log: string;
}

export interface StartOptions {
  /** Run directory of the world. */
  dir: string;
  /** Unique in the world. */
  name: string;
  /** Name of the network namespace to run it in. */
  namespace: string;
  command: readonly string[];
  env?: NodeJS.ProcessEnv;
}

/**
 * Starts a process in a namespace, detached: in a session of its own, output to its log, and recorded on disk. `nsenter`
 * executes the command in its own place, so the pid stays.
 */
export async function start({ dir, name, namespace, command, env }: StartOptions): Promise<ProcessRecord> {
  const log = join(paths.logs(dir), `${name}.log`);
  const output = await open(log, 'a');
  try {
    const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, '--', ...command], {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      cwd: '/',
      env: environment(env),
    });
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid!;
    const record = { pid, startTime: (await startTime(pid)) ?? '', name, command, log };
    const file = join(paths.processes(dir), `${name}.json`);
    await writeFile(`${file}.new`, JSON.stringify(record));
    await rename(`${file}.new`, file);
    return record;
  } finally {
    await output.close();
  }
}

/** Tools of an administrator are on the path whoever calls (cron, a plain user's sudo). */
export function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`, ...extra };
}

/** All processes on record, whether they still run or not. Half-written records (an interrupted start) are skipped. */
export async function readRecords(dir: string): Promise<ProcessRecord[]> {
  const files = (await readdir(paths.processes(dir)).catch(() => [])).filter(file => file.endsWith('.json'));
  const records = files.map(async file => {
    const text = await readFile(join(paths.processes(dir), file), 'utf8').catch(() => '');
    try {
      return [JSON.parse(text) as ProcessRecord];
    } catch {
      return [];
    }
  });
  return (await Promise.all(records)).flat();
}

/** Drops the record of a process that has ended. */
export async function forget(dir: string, name: string): Promise<void> {
  await rm(join(paths.processes(dir), `${name}.json`), { force: true });
}

/** Ends a process: SIGTERM, and SIGKILL when it takes longer than `graceMs`. True when it went by itself. */
export async function end(target: ProcessId, graceMs: number): Promise<boolean> {
  await signal(target, 'SIGTERM');
  if (await gone(target, graceMs)) return true;
  await signal(target, 'SIGKILL');
  await gone(target, 2_000);
  return false;
}

/** Waits until a process is gone. */
export async function gone(target: ProcessId, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (await isAlive(target)) {
    if (Date.now() > deadline) return false;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return true;
}
