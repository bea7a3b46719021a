import { readdirSync, readFileSync } from 'node:fs';

/** Memory of one process, MB (10^6 bytes). */
export interface Memory {
  /** What is its own alone: what its end would free. */
  uss: number;
  /** With its share of what several processes use. */
  pss: number;
}

/** As /proc tells it; throws when the process is gone. */
export function readMemory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const megabytes = (field: string) =>
    (Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024) / 1e6;
  return { uss: megabytes('Private_Clean') + megabytes('Private_Dirty'), pss: megabytes('Pss') };
}

/** Open files of a process. */
export function countFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
