import { readFileSync, writeFileSync } from 'node:fs';
import type { run } from '../../shared/kernel/run.ts';
import { connected, type RootIntent } from './intent.ts';

/** By path under /proc/sys: a name with dots (`eth0.100`) is no trouble there. */
export type Sysctls = Record<string, string>;

/** Fails when one of them is not there, having told the others. */
const readScript = 'cd /proc/sys && grep -s "" /dev/null "$@" || true';
const writeScript = 'while read -r key value; do echo "$value" > "/proc/sys/$key" || echo "$key"; done';

/** Reads in one process; what is not there is left out. */
export async function readSysctls(execute: typeof run, keys: readonly string[]): Promise<Sysctls> {
  const lines = (await execute('sh', ['-c', readScript, 'sh', ...keys])).split('\n');
  // `path:value`; an interface's name may have a colon in it, a value has none.
  const colon = (line: string) => line.lastIndexOf(':');
  return Object.fromEntries(
    lines.filter(line => colon(line) > 0).map(line => [line.slice(0, colon(line)), line.slice(colon(line) + 1)]),
  );
}

/** The same for this process's own namespace, without a process: each pass reads them. */
export function readOwnSysctls(keys: readonly string[]): Sysctls {
  const found: Sysctls = {};
  for (const key of keys) {
    try {
      found[key] = readFileSync(`/proc/sys/${key}`, 'utf8').trimEnd();
    } catch {
      // not there, or gone with its interface
    }
  }
  return found;
}

/** Writes in one process; gives what could not be written. */
export async function writeSysctls(execute: typeof run, values: Sysctls): Promise<string[]> {
  const input = Object.entries(values).map(([key, value]) => `${key} ${value}\n`);
  if (input.length === 0) return [];
  const failed = await execute('sh', ['-c', writeScript], { input: input.join('') });
  return failed.split('\n').filter(Boolean).map(notWritten);
}

/** The same for this process's own namespace, without a process. */
export function writeOwnSysctls(values: Sysctls): string[] {
  const failed: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    try {
      writeFileSync(`/proc/sys/${key}`, value);
    } catch {
      failed.push(key);
    }
  }
  return failed.map(notWritten);
}

const notWritten = (key: string) => `sysctl ${key} could not be written`;

export const allRpFilter = 'net/ipv4/conf/all/rp_filter';

/** What the data plane needs: each path, and the value for a present one (null: it is fine as it is). */
export function wantedSysctls(intent: RootIntent): Map<string, (present: string, all: Sysctls) => string | null> {
  const wanted = new Map<string, (present: string, all: Sysctls) => string | null>();
  const exactly = (value: string) => (present: string) => (present === value ? null : value);
  wanted.set('net/ipv4/ip_forward', exactly('1'));
  for (const { device } of connected(intent)) {
    // The greater of `all` and the device's counts: loose wins over a strict `all`.
    wanted.set(`net/ipv4/conf/${device}/rp_filter`, exactly('2'));
    wanted.set(`net/ipv4/conf/${device}/send_redirects`, exactly('0'));
    // No IPv6 goes over it: without this both ends would ask for routers, and be asked, for as long as the link is there.
    wanted.set(`net/ipv6/conf/${device}/disable_ipv6`, exactly('1'));
  }
  for (const { interface: name } of intent.uplinks) {
    wanted.set(`net/ipv4/conf/${name}/rp_filter`, (present, all) =>
      present !== '2' && (present === '1' || all[allRpFilter] === '1') ? '2' : null,
    );
    // What one app sends by its uplink to another uplink's port map comes back with our own source address.
    wanted.set(`net/ipv4/conf/${name}/accept_local`, exactly('1'));
  }
  return wanted;
}
