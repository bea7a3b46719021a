import { readFileSync } from 'node:fs';
import { isStopped } from './process-identity.ts';

/**
 * Continues those of this process's children, and of the others named, that somebody stopped by a signal: they would hang for ever.
 * One that a debugger holds is left alone. Gives the pids that were continued.
 */
export function continueStopped(others: readonly number[] = []): number[] {
  const stopped = [...new Set([...children(), ...others])].filter(isStopped);
  return stopped.filter(pid => {
    try {
      return process.kill(pid, 'SIGCONT');
    } catch {
      return false; // it ended meanwhile
    }
  });
}

function children(): number[] {
  try {
    const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
    return pids.split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // a kernel without CONFIG_PROC_CHILDREN
  }
}
