import { readFileSync, writeFileSync } from 'node:fs';

/** As systemd gives to what a device can't do without; the kernel ends these last. */
export const SUPERVISOR_OOM_SCORE = -900;
/** Before a manager the kernel ends apps: but a manager is started anew sooner than they. */
export const MANAGER_OOM_SCORE = -400;

/** Asks the kernel to spare a process when memory is used up. False: it may not be spared more than it is. */
export function setOomScore(pid: number | 'self', score: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, `${score}`);
    return true;
  } catch {
    return false;
  }
}

/** How many file descriptors a process of ours may be allowed: nobody can allow more than he has. Infinity: no limit. */
export function mostOpenFiles(): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

/** The command that runs a command with so many file descriptors for each of its processes. */
export function withOpenFiles(count: number, command: readonly string[]): string[] {
  return ['prlimit', `--nofile=${count}:${count}`, '--', ...command];
}

/** Memory of a process that nobody else has too, MiB; 0: it has gone. */
export function ownMemory(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
    return (kib('RssAnon') + kib('RssShmem')) / 1024;
  } catch {
    return 0;
  }
}
