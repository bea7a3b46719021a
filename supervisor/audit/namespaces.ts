import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../shared/kernel/run.ts';
import { NETNS_DIRECTORY, namespaceInode } from '../namespaces/namespaces.ts';
import type { Finding } from './finding.ts';
import { placeOf } from './links.ts';
import type { Owned } from './owned.ts';

export interface NamespaceFacts {
  /** Those that have a directory below the run directory. */
  listed: readonly string[];
  /** Removes one with everything in it. */
  remove(name: string): Promise<void>;
}

/** Namespaces of network instances that are no more, by their directory or by their name for `ip netns`. */
export async function findNamespaces(owned: Owned, { listed, remove }: NamespaceFacts): Promise<Finding[]> {
  const findings = listed
    .filter(name => !owned.instances.has(name))
    .map((name): Finding => {
      const why = `there is no network instance ${name} any more`;
      const path = join(owned.runDirectory, 'ns', name);
      return {
        kind: 'namespace',
        name: path,
        why,
        how: 'end what runs in it, unmount, remove',
        remove: () => remove(name),
      };
    });
  const start = `${owned.prefix}-`;
  const names = (await readdir(NETNS_DIRECTORY).catch(() => []))
    .filter(entry => entry.startsWith(start))
    .map(entry => entry.slice(start.length))
    .filter(name => !owned.instances.has(name) && !listed.includes(name) && !owned.apps.has(name));
  for (const name of names) {
    const path = join(NETNS_DIRECTORY, `${start}${name}`);
    if (!(await isOfInstance(path))) continue;
    const why = 'it was sealed for a network instance that is no more';
    const unmount = async () => void (await run('ip', ['netns', 'delete', `${start}${name}`]));
    findings.push({ kind: 'namespace', name: path, why, how: 'ip netns delete', remove: unmount });
  }
  return findings;
}

/**
 * Apps' namespaces carry the prefix, too, and are not ours. One of a network instance has the rules of a manager, or belongs to a user
 * namespace: the sysctls in it are that namespace's root's.
 */
async function isOfInstance(path: string): Promise<boolean> {
  if ((await namespaceInode(path)) === null) return false;
  const { execute } = placeOf('', path);
  const owner = await execute('stat', ['-c', '%u', '/proc/sys/net/ipv4/ip_forward']).catch(() => '0');
  if (Number(owner) !== 0) return true;
  const tables = await execute('nft', ['list', 'tables']).catch(() => '');
  return tables.split('\n').some(line => /^table (inet|bridge) nibox$/.test(line));
}
