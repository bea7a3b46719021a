import { readFile, readlink } from 'node:fs/promises';
import { namespaceInode, processesIn } from '../../world/proc.ts';
import type { ChaosDevice } from './device.ts';
import type { Ni } from './layout.ts';

export type Role = 'manager' | 'dnsmasq' | 'charon' | 'conntrack';

/** Which process is in which role, by its first argument. */
const isInRole: Record<Role, (argument: string, rest: string) => boolean> = {
  manager: (argument, rest) => argument.startsWith('nibox: ') || rest.includes('.cjs'),
  dnsmasq: argument => argument.endsWith('dnsmasq'),
  charon: argument => argument.endsWith('charon-systemd'),
  conntrack: argument => argument.endsWith('conntrack'),
};

/** Pids in a role in an NI's namespace. */
export async function pidsOf(device: ChaosDevice, ni: Ni, role: Role): Promise<number[]> {
  const inode = await namespaceInode(device.world.namespace(ni));
  if (inode === undefined) return [];
  const found = await Promise.all(
    (await processesIn(new Set([inode]))).map(async ({ pid }) => {
      const [argument = '', ...rest] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      return isInRole[role](argument, rest.join(' ')) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** Whether a process lives in an NI's namespace: a pid that was read a while ago may be another's by now. */
export async function livesIn(device: ChaosDevice, ni: Ni, pid: number): Promise<boolean> {
  const inode = await namespaceInode(device.world.namespace(ni));
  return inode !== undefined && (await readlink(`/proc/${pid}/ns/net`).catch(() => '')) === `net:[${inode}]`;
}

/** Alive and not stopped. */
export async function isGoing(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return state !== undefined && !['T', 't', 'Z', 'X'].includes(state);
}

/** Sends a signal; false when the process is gone. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
