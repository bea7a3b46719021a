import { setTimeout as sleep } from 'node:timers/promises';
import { managerTitle } from '../../shared/manager/options.ts';
import type { Finding } from './finding.ts';
import type { Owned, OwnedProcesses } from './owned.ts';
import { type ProcessFacts, runsStill } from './process-table.ts';

/** A process that starts is not what it will be yet: it changes its namespaces, its name, and nobody has told its pid. */
const YOUNG_SECONDS = 5;
const TERM_MS = 3_000;
const KILL_MS = 3_000;
const POLL_MS = 20;

/** Processes of network instances that are gone, and second copies beside those that work. */
export function findProcesses(
  owned: Owned,
  namespaces: ReadonlyMap<string, number>,
  processes: readonly ProcessFacts[],
): Finding[] {
  const byPid = new Map(processes.map(process => [process.pid, process]));
  return processes.flatMap(process => {
    const name = instanceOf(process, owned.runDirectory, namespaces);
    if (name === null || process.ageSeconds < YOUNG_SECONDS) return [];
    const why = whyUnowned(process, name, owned, namespaces, byPid);
    if (why === null) return [];
    const finding: Finding = {
      kind: 'process',
      name: `${process.pid} ${process.argv.join(' ').slice(0, 60)}`,
      why,
      how: 'SIGTERM, then SIGKILL',
      remove: () => end(process),
    };
    return [finding];
  });
}

/**
 * Whose process it says to be: by the mark that a manager and its children carry, by an argument that names the instance's own
 * directory, or by a manager's title inside the instance's namespace. A name alone says nothing.
 */
export function instanceOf(
  { mark, argv, netns, isApart }: ProcessFacts,
  runDirectory: string,
  namespaces: ReadonlyMap<string, number>,
): string | null {
  const root = `${runDirectory}/ni/`;
  if (mark?.startsWith(root)) return mark.slice(root.length);
  const files = argv.map(argument => argument.replace(/^--conf-file=/, '')).filter(path => path.startsWith(root));
  for (const path of files) {
    const [name = '', ...file] = path.slice(root.length).split('/');
    if (OWN_FILES.includes(file.join('/'))) return name;
  }
  const titled = [...namespaces].find(([name, inode]) => inode === netns && argv[0] === managerTitle(name));
  return titled && isApart ? titled[0] : null;
}

/** Config files that nobody but the instance's dnsmasq or charon is started with. */
const DNSMASQ_FILE = 'dnsmasq/dnsmasq.conf';
const CHARON_FILE = 'charon/strongswan.conf';
const OWN_FILES = [DNSMASQ_FILE, CHARON_FILE];

/** Null: it has an owner, or that can't be told now. */
function whyUnowned(
  process: ProcessFacts,
  name: string,
  { instances, runDirectory }: Owned,
  namespaces: ReadonlyMap<string, number>,
  byPid: ReadonlyMap<number, ProcessFacts>,
): string | null {
  const instance = instances.get(name);
  if (!instance) return `there is no network instance ${name} any more`;
  const inode = namespaces.get(name);
  if (inode !== undefined && process.netns !== inode)
    return `it lives in a network namespace that ${name} no longer has`;
  const { processes } = instance;
  if (processes === null || descendsFromOwned(process, processes, byPid)) return null;
  const takes = (file: string) =>
    process.argv.some(argument => argument.endsWith(`${runDirectory}/ni/${name}/${file}`));
  if (takes(DNSMASQ_FILE)) return besides('dnsmasq', processes.dnsmasq, name, byPid);
  if (takes(CHARON_FILE)) return besides('charon', processes.charon, name, byPid);
  if (process.argv[0] === managerTitle(name)) return besides('manager', processes.manager, name, byPid);
  return `${name}'s manager that started it has ended`;
}

/** Of two the one in service stays; while that can't be seen running, this one may be it. */
function besides(
  what: string,
  pid: number | null,
  name: string,
  byPid: ReadonlyMap<number, ProcessFacts>,
): string | null {
  if (pid === null || !byPid.has(pid)) return null;
  return `a second ${what} of ${name}, beside the one in service (pid ${pid})`;
}

function descendsFromOwned(
  process: ProcessFacts,
  { manager, dnsmasq, charon }: OwnedProcesses,
  byPid: ReadonlyMap<number, ProcessFacts>,
): boolean {
  for (let next: ProcessFacts | undefined = process; next && next.pid > 1; next = byPid.get(next.parent)) {
    if ([manager, dnsmasq, charon].includes(next.pid)) return true;
  }
  return false;
}

/** Ends that very process. Throws when it survives. */
async function end(process: ProcessFacts): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', TERM_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    if (!runsStill(process)) return;
    try {
      globalThis.process.kill(process.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    for (const until = Date.now() + waitMs; Date.now() < until; await sleep(POLL_MS)) if (!runsStill(process)) return;
  }
  throw new Error(`process ${process.pid} survived SIGKILL; it probably waits for a disk`);
}
