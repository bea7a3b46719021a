import { readdirSync, readFileSync } from 'node:fs';
import { NI_MARK } from '../../shared/manager/options.ts';
import type { ManyDevice } from './many-device.ts';

/** The pids of all that runs for a device: the supervisor, its managers, and what each of them started. */
export async function processesOf({ device, api }: ManyDevice): Promise<number[]> {
  const { pid: supervisor } = (await api.status()).supervisor;
  const mark = `${NI_MARK}=/run/nibox/${device.prefix}/`;
  const pids = readdirSync('/proc').map(Number).filter(Boolean);
  const parents = new Map(pids.map(pid => [pid, parentOf(pid)]));
  const isBelow = (pid: number): boolean => pid === supervisor || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  return pids.filter(pid => isBelow(pid) || environmentOf(pid).includes(mark));
}

function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function environmentOf(pid: number): string {
  return `\0${read(`/proc/${pid}/environ`)}`;
}

/** '' for a process that is gone. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
