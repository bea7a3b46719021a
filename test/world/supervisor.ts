import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './proc.ts';
import { end, forget, type ProcessRecord, readRecords, start } from './processes.ts';

/** Milliseconds that a supervisor has to take everything down. */
const stopTimeoutMs = 30_000;
const processName = 'supervisor';

export interface SupervisorOptions {
  /** `['node', 'dist/nibox.js', 'run', ...]` with absolute paths: it runs in `/`. */
  command: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Its run, state and log directories: the world removes them in the end, should the supervisor not get to it. */
  directories?: readonly string[];
}

interface SupervisorState {
  directories: readonly string[];
}

const stateFile = (dir: string) => join(dir, 'supervisor.json');

/** Starts a nibox supervisor in the device's namespace, detached. */
export async function startSupervisor(prefix: string, dir: string, options: SupervisorOptions): Promise<ProcessRecord> {
  const running = await supervisorProcess(dir);
  if (running) throw new Error(`a supervisor runs in ${prefix}-device already (pid ${running.pid})`);
  await writeFile(stateFile(dir), JSON.stringify({ directories: options.directories ?? [] } satisfies SupervisorState));
  return start({
    dir,
    name: processName,
    namespace: `${prefix}-device`,
    command: options.command,
    ...(options.env && { env: options.env }),
  });
}

/** What was said about the supervisor when it was started. */
export async function readSupervisor(dir: string): Promise<SupervisorState | undefined> {
  const text = await readFile(stateFile(dir), 'utf8').catch(() => '');
  return text ? (JSON.parse(text) as SupervisorState) : undefined;
}

/** The supervisor's process, if it is alive. */
export async function supervisorProcess(dir: string): Promise<ProcessRecord | undefined> {
  const record = (await readRecords(dir)).find(({ name }) => name === processName);
  return record && (await isAlive(record)) ? record : undefined;
}

/** Ends the supervisor with SIGTERM and waits. False when it had to be killed. */
export async function endSupervisor(dir: string): Promise<boolean> {
  const record = await supervisorProcess(dir);
  const wentByItself = !record || (await end(record, stopTimeoutMs));
  await forget(dir, processName);
  return wentByItself;
}
