import { readdir, readFile, readlink, stat } from 'node:fs/promises';

/** A process beyond doubt: pids are reused, (pid, start time) are not. */
export interface ProcessId {
  pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  startTime: string;
}

/** The start time of a process that is alive; undefined when there is none, or only a zombie. */
export async function startTime(pid: number): Promise<string | undefined> {
  return (await readStat(pid))?.startTime;
}

async function readStat(pid: number): Promise<(ProcessId & { session: number }) | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before may hold spaces and parentheses
  const [state, , , session, startTime] = [...fields.slice(0, 4), fields[19]];
  return startTime === undefined || state === 'Z' || state === 'X'
    ? undefined
    : { pid, startTime, session: Number(session) };
}

/** Whether exactly this process still runs. */
export async function isAlive(process: ProcessId): Promise<boolean> {
  return (await startTime(process.pid)) === process.startTime;
}

/** Sends a signal to exactly this process; false when it is gone. */
export async function signal(target: ProcessId, name: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(target))) return false;
  try {
    return process.kill(target.pid, name);
  } catch {
    return false; // it ended in between
  }
}

/** All pids. */
export async function listPids(): Promise<number[]> {
  return (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number);
}

/** Processes that live in one of the given network namespaces (inode numbers), by namespace. */
export async function processesIn(inodes: ReadonlySet<string>): Promise<(ProcessId & { inode: string })[]> {
  const found = await Promise.all(
    (await listPids()).map(async pid => {
      const inode = await networkNamespaceOf(pid);
      const start = inode && inodes.has(inode) ? await startTime(pid) : undefined;
      return inode && start ? [{ pid, startTime: start, inode }] : [];
    }),
  );
  return found.flat();
}

/**
 * Processes in the sessions that the given processes lead or led. The kernel gives no pid away that still names a session,
 * so a session whose leader is another process by now is another session.
 */
export async function processesInSessionsOf(leaders: readonly ProcessId[]): Promise<ProcessId[]> {
  const startTimes = new Map(leaders.map(leader => [leader.pid, leader.startTime]));
  const all = (await Promise.all((await listPids()).map(readStat))).filter(stat => stat !== undefined);
  const foreign = new Set(all.filter(({ pid, startTime }) => startTimes.get(pid) !== startTime).map(({ pid }) => pid));
  return all.filter(({ session }) => startTimes.has(session) && !foreign.has(session));
}

/** Inode number of the network namespace that a process lives in. */
export async function networkNamespaceOf(pid: number): Promise<string | undefined> {
  const link = await readlink(`/proc/${pid}/ns/net`).catch(() => '');
  return /^net:\[(\d+)\]$/.exec(link)?.[1];
}

/** Inode number of a named network namespace; undefined when there is none by that name. */
export async function namespaceInode(name: string): Promise<string | undefined> {
  const file = await stat(`/run/netns/${name}`).catch(() => undefined);
  return file && String(file.ino);
}

/** Names of all named network namespaces that begin with `<prefix>-`. */
export async function namespacesOf(prefix: string): Promise<string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter(name => name.startsWith(`${prefix}-`)).sort();
}
