import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Finding } from './finding.ts';
import type { Owned } from './owned.ts';
import type { ProcessFacts } from './process-table.ts';

/** What is written at this moment is renamed at once; what was begun before the daemon ran is nobody's. */
const HALF_WRITTEN_MS = 60_000;
const API_SOCKET = 'api.sock';

/** Directories of network instances that are gone, sockets that nobody listens on, and files that a crash left half-written. */
export async function findFiles(owned: Owned, unownedNamespaces: readonly string[]): Promise<Finding[]> {
  const { runDirectory, stateDirectory, instances } = owned;
  const own = entriesOf(join(runDirectory, 'ni'));
  const findings: Finding[] = own
    .filter(({ name, stats }) => stats.isDirectory() && !name.startsWith('.') && !instances.has(name))
    .filter(({ name }) => !unownedNamespaces.includes(name)) // it goes with its namespace
    .map(({ path, name }) => fileFinding(path, `there is no network instance ${name} any more`));
  const temporary = [
    ...own.filter(({ name, stats }) => name.startsWith('.') || !stats.isDirectory()),
    ...[runDirectory, join(runDirectory, 'ports'), join(runDirectory, 'code'), stateDirectory]
      .flatMap(entriesOf)
      .filter(({ name }) => name.endsWith('.new')),
  ];
  for (const { path, stats } of temporary) {
    if (stats.mtimeMs < Math.max(owned.since, Date.now() - HALF_WRITTEN_MS))
      findings.push(fileFinding(path, 'half-written by a process that was ended'));
  }
  for (const { path, name, stats } of entriesOf(runDirectory)) {
    if (stats.isSocket() && name !== API_SOCKET && !(await isAnswered(path)))
      findings.push(fileFinding(path, 'a socket that nobody listens on'));
  }
  return findings;
}

/** Managers' bundles that nobody runs. `namespaces`: inodes of our network instances. */
export function findCode(
  { runDirectory, code }: Owned,
  namespaces: ReadonlyMap<string, number>,
  processes: readonly ProcessFacts[],
): Finding[] {
  const inodes = new Set(namespaces.values());
  // A manager of an older version does not tell which bundle it runs: it may be any.
  const isSilent = ({ mark, argv, netns, isApart }: ProcessFacts) =>
    mark === null && isApart && inodes.has(netns) && argv[0]?.startsWith('nibox: ');
  if (processes.some(isSilent)) return [];
  const used = new Set([...code, ...processes.map(process => process.code)]);
  return entriesOf(join(runDirectory, 'code'))
    .filter(({ path, name }) => name.endsWith('.cjs') && !used.has(path))
    .map(({ path }) => ({ ...fileFinding(path, 'no manager runs this bundle'), kind: 'code' as const }));
}

function fileFinding(path: string, why: string): Finding {
  return { kind: 'file', name: path, why, how: 'rm', remove: () => rm(path, { recursive: true, force: true }) };
}

function entriesOf(directory: string): { name: string; path: string; stats: Stats }[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names.flatMap(name => {
    const path = join(directory, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats ? [{ name, path, stats }] : [];
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Any other failure, a full backlog for one, means that somebody is there.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
