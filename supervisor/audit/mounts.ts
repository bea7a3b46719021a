import { readFileSync } from 'node:fs';
import { run } from '../../shared/kernel/run.ts';
import { NETNS_DIRECTORY } from '../namespaces/namespaces.ts';
import type { Finding } from './finding.ts';
import type { Owned } from './owned.ts';

/** Namespaces that are mounted where nibox mounts none, or over each other. What goes with a namespace's own removal is not told. */
export function findMounts(owned: Owned, unownedNamespaces: readonly string[]): Finding[] {
  const counts = new Map<string, number>();
  for (const path of nsfsMounts(readFileSync('/proc/self/mountinfo', 'utf8')))
    counts.set(path, (counts.get(path) ?? 0) + 1);
  return [...counts].flatMap(([path, count]) => {
    const place = placeOfMount(path, owned);
    if (place === null || unownedNamespaces.includes(place.instance)) return [];
    if (!place.isOurs) return [mountFinding(path, count, 'nibox mounts nothing there')];
    return count > 1 ? [mountFinding(path, count - 1, 'mounted over itself: the first one is enough')] : [];
  });
}

/** Mount points of namespaces. Fields: id, parent, device, root, mount point, options, ... `-` type. */
export function nsfsMounts(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .filter(line => line.includes(' - nsfs '))
    .map(line =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}

/** Null: not a place of this nibox. */
function placeOfMount(
  path: string,
  { runDirectory, prefix, instances }: Owned,
): { instance: string; isOurs: boolean } | null {
  const named = `${NETNS_DIRECTORY}/${prefix}-`;
  if (path.startsWith(named)) {
    const instance = path.slice(named.length);
    return instances.has(instance) ? { instance, isOurs: true } : null;
  }
  if (!path.startsWith(`${runDirectory}/`)) return null;
  const [, instance = '', kind] = /^\/ns\/([^/]+)\/(net|user)$/.exec(path.slice(runDirectory.length)) ?? [];
  return { instance, isOurs: kind !== undefined && instances.has(instance) };
}

function mountFinding(path: string, times: number, why: string): Finding {
  return {
    kind: 'mount',
    name: path,
    why,
    how: times > 1 ? `umount, ${times} times` : 'umount',
    async remove() {
      for (let count = 0; count < times; count++) await run('umount', ['-l', path]);
    },
  };
}
