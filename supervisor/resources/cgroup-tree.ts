import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceLimits } from '../../shared/config/resources.ts';

/** What a group must be able to limit. */
const CONTROLLERS = ['memory', 'pids'] as const;
const MIB = 1 << 20;
/** A killed process leaves its group a moment after it has ended. */
const REMOVE = { tries: 50, intervalMs: 20 };

/** Where cgroup v2 is mounted, by the text of /proc/self/mountinfo; null: nowhere. */
export function cgroupMount(mountinfo: string): string | null {
  const mount = mountinfo
    .split('\n')
    .map(line => line.split(' '))
    .find(fields => fields[fields.indexOf('-') + 1] === 'cgroup2');
  return mount?.[4] ?? null;
}

/**
 * One cgroup v2 for each network instance: `nibox-<prefix>/<instance>` at the top of the hierarchy. Not in the group that nibox was
 * started in: systemd could not start nibox anew in a group below which managers live on with limits.
 */
export class CgroupTree {
  readonly #top: string;

  private constructor(top: string) {
    this.#top = top;
  }

  /** The tree, or why there can be none. */
  static open(prefix: string): CgroupTree | { reason: string } {
    const mount = cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (mount === null) return { reason: 'cgroup v2 is not mounted' };
    try {
      const offered = readFileSync(join(mount, 'cgroup.controllers'), 'utf8').split(/\s+/);
      const missing = CONTROLLERS.filter(name => !offered.includes(name));
      if (missing.length > 0) return { reason: `cgroup v2 at ${mount} has no ${missing.join(' and ')} controller` };
      const top = join(mount, `nibox-${prefix}`);
      enable(mount);
      mkdirSync(top, { recursive: true });
      enable(top);
      return new CgroupTree(top);
    } catch (error) {
      return { reason: `no groups can be made in ${mount}: ${(error as Error).message}` };
    }
  }

  /** Makes the instance's group when it is missing, and sets its limits. */
  ensure(instance: string, { memoryHigh, memoryMax, pidsMax }: ResourceLimits): void {
    const group = this.#group(instance);
    mkdirSync(group, { recursive: true });
    write(group, 'memory.high', `${memoryHigh * MIB}`);
    write(group, 'memory.max', `${memoryMax * MIB}`);
    write(group, 'pids.max', `${pidsMax}`);
  }

  /** Puts a process there; what it starts will be there too. */
  admit(instance: string, pid: number): void {
    write(this.#group(instance), 'cgroup.procs', `${pid}`);
  }

  /** Processes that the kernel has ended because the instance's memory was used up, since the group was made. */
  memoryKills(instance: string): number {
    try {
      const events = readFileSync(join(this.#group(instance), 'memory.events'), 'utf8');
      return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
    } catch {
      return 0;
    }
  }

  /** Removes the instance's group when its processes have gone. Throws when one stays. */
  async remove(instance: string): Promise<void> {
    const group = this.#group(instance);
    for (let tries = 1; existsSync(group); tries += 1) {
      try {
        rmdirSync(group);
      } catch (error) {
        if (tries >= REMOVE.tries) throw error;
        await sleep(REMOVE.intervalMs);
      }
    }
  }

  /** Removes the tree, when all instances have left it. */
  close(): void {
    if (existsSync(this.#top)) rmdirSync(this.#top);
  }

  #group(instance: string): string {
    return join(this.#top, instance);
  }
}

/** Lets the groups in a group have limits. */
function enable(group: string): void {
  write(group, 'cgroup.subtree_control', CONTROLLERS.map(name => `+${name}`).join(' '));
}

function write(group: string, file: string, value: string): void {
  writeFileSync(join(group, file), value);
}
