import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { CODE_MARK, NI_MARK } from '../../shared/manager/options.ts';

/** A process, as far as its owner can be told from it. */
export interface ProcessFacts {
  pid: number;
  /** Clock ticks since boot: with the pid it is this process and no other. */
  startTime: number;
  parent: number;
  /** Host uid. */
  uid: number;
  /** Inode of its network namespace. */
  netns: number;
  /** In another user namespace than this process. */
  isApart: boolean;
  argv: string[];
  /** The run directory of the network instance whose manager, or manager's child, it says to be. */
  mark: string | null;
  /** The manager's bundle that it was started with. */
  code: string | null;
  /** Since its start. */
  ageSeconds: number;
}

/** USER_HZ: 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** All processes but the kernel's own. */
export function readProcesses(): ProcessFacts[] {
  const own = readlinkSync('/proc/self/ns/user');
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').filter(Boolean);
        if (argv.length === 0) return [];
        const fields = statFields(Number(name))!;
        const environment = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
        const variable = (key: string) =>
          environment.find(line => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? null;
        const startTime = Number(fields[22 - 3]);
        return {
          pid: Number(name),
          startTime,
          parent: Number(fields[4 - 3]),
          uid: statSync(`/proc/${name}`).uid,
          netns: Number(/\d+/.exec(readlinkSync(`/proc/${name}/ns/net`))?.[0]),
          isApart: readlinkSync(`/proc/${name}/ns/user`) !== own,
          argv,
          mark: variable(NI_MARK),
          code: variable(CODE_MARK),
          ageSeconds: uptime - startTime / TICKS_PER_SECOND,
        };
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

/** Whether that very process still runs. */
export function runsStill({ pid, startTime }: Pick<ProcessFacts, 'pid' | 'startTime'>): boolean {
  const fields = statFields(pid);
  return fields !== null && fields[0] !== 'Z' && Number(fields[22 - 3]) === startTime;
}

/** Of /proc/PID/stat from field 3 on: the name before may hold blanks and brackets. */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
