import { readdirSync, readFileSync } from 'node:fs';

/** A process beyond doubt: pids are reused, a pid with its start time is not. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: number;
}

/** Who runs under a pid; null when nobody does, or only a zombie that its parent has not collected. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The command name may hold blanks and brackets: count from behind its last bracket. Field 3 is the state.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return { pid, startTime: Number(fields[22 - 3]) };
}

/** Whether that very process still runs. */
export function isRunning(process: ProcessIdentity): boolean {
  return identifyProcess(process.pid)?.startTime === process.startTime;
}

/** Processes that were started with an argument, such as the path of a config file that nobody else uses. */
export function processesWithArgument(argument: string): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => readOrNull(`/proc/${name}/cmdline`)?.split('\0').includes(argument))
    .map(name => identifyProcess(Number(name)))
    .filter(process => process !== null);
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null; // it ended meanwhile
  }
}
