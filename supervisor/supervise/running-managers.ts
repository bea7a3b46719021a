import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { identifyProcess, type ProcessIdentity } from '../../shared/kernel/process-identity.ts';
import { type ManagerOptions, managerTitle } from '../../shared/manager/options.ts';

/** Managers of a network instance that run in its namespace, oldest first: whether they answer or not. */
export function runningManagers(name: string, netnsInode: number): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter(pid => /^\d+$/.test(pid) && livesIn(pid, netnsInode) && isManager(pid, name))
    .map(pid => identifyProcess(Number(pid)))
    .filter(found => found !== null)
    .sort((a, b) => a.startTime - b.startTime);
}

function livesIn(pid: string, inode: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]`;
  } catch {
    return false; // it ended meanwhile
  }
}

/** By its title or, while it starts, by its last argument, which holds its options. */
function isManager(pid: string, name: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '');
    if (command === managerTitle(name)) return true;
    const options = command.split('\0').at(-1) ?? '';
    return options.startsWith('{') && (JSON.parse(options) as ManagerOptions).name === name;
  } catch {
    return false;
  }
}
