import { readFileSync } from 'node:fs';

/** Of the kernel's counters in /proc: always 100 on Linux. */
const TICKS_PER_S = 100;

/** CPU seconds that a process has used, with its children that ended and were waited for. 0 when it is gone. */
export function readCpu(pid: number): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return 0;
  }
  // Behind the name, which may have any characters: utime, stime, cutime, cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_S;
}

/** How often the process gave up the CPU of its own will: each is followed by a wakeup. Of all its threads. */
export function readWakeups(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}
