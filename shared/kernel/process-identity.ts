import { readdirSync, readFileSync } from 'node:fs';

/** A process beyond doubt: pids are reused, a pid with its start time is not. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: number;
}

/** Who runs under a pid; null when nobody does, or only a zombie that its parent has not collected. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const fields = statFields(pid);
  if (!fields || isDead(fields)) return null;
  return { pid, startTime: Number(fields[22 - 3]) };
}

/** Whether a process was stopped by a signal (SIGSTOP, SIGTSTP); one that a debugger holds was not. */
export function isStopped(pid: number): boolean {
  return statFields(pid)?.[0] === 'T';
}

/** Whether that very process still runs, or was stopped by a signal. */
export function lookAtProcess({ pid, startTime }: ProcessIdentity): 'gone' | 'stopped' | 'running' {
  const fields = statFields(pid);
  if (!fields || isDead(fields) || Number(fields[22 - 3]) !== startTime) return 'gone';
  return fields[0] === 'T' ? 'stopped' : 'running';
}

/** Whether something that was read names a process. */
export function isIdentity(value: unknown): value is ProcessIdentity {
  const { pid, startTime } = (value ?? {}) as Partial<ProcessIdentity>;
  return Number.isSafeInteger(pid) && pid! > 0 && typeof startTime === 'number';
}

/** Whether that very process still runs. */
export function isRunning(process: ProcessIdentity): boolean {
  return lookAtProcess(process) !== 'gone';
}

/** Processes that were started with an argument, such as the path of a config file that nobody else uses. */
export function processesWithArgument(argument: string): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => readOrNull(`/proc/${name}/cmdline`)?.split('\0').includes(argument))
    .map(name => identifyProcess(Number(name)))
    .filter(process => process !== null);
}

/** From field 3, the state, on. The command name before it may hold blanks and brackets: count from behind its last bracket. */
function statFields(pid: number): string[] | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function isDead([state]: readonly string[]): boolean {
  return state === 'Z' || state === 'X';
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null; // it ended meanwhile
  }
}
