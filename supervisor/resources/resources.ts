import { repeat } from '../../shared/beat.ts';
import type { ResourceLimits } from '../../shared/config/resources.ts';
import type { Log } from '../../shared/log/log.ts';
import { CgroupTree } from './cgroup-tree.ts';
import {
  MANAGER_OOM_SCORE,
  mostOpenFiles,
  ownMemory,
  SUPERVISOR_OOM_SCORE,
  setOomScore,
  withOpenFiles,
} from './process-limits.ts';

/** A leak of 100 MiB/s, which is a fast one, gets 200 MiB beyond its limit where no cgroup holds it. */
const WATCH_MS = 2_000;

/** What a manager's start needs of the limits. */
export interface InstanceResources {
  /** The command that runs a manager's command within the limits that a process inherits. */
  command(command: readonly string[]): string[];
  /** At once after its start, before it starts others. */
  admit(pid: number): void;
}

export interface ResourcesOptions {
  prefix: string;
  log: Log;
  /** Managers that run now. */
  managers: () => Iterable<[name: string, pid: number | null]>;
  /** Where no cgroup does it: a manager has gone beyond its memory, and is to be ended. */
  onExceeded: (name: string, detail: string) => void;
}

/** Keeps managers and their services within the limits of the config: by cgroups where there are any, else by looking. */
export class Resources {
  readonly #options: ResourcesOptions;
  readonly #limits = new Map<string, ResourceLimits>();
  readonly #kills = new Map<string, number>();
  /** Instance -> how often its manager was ended for its memory, and when last. */
  readonly #ended = new Map<string, { count: number; at: number }>();
  #tree: CgroupTree | null = null;
  #whyNot = 'nibox has not started yet';
  #stopLooking = () => {};

  constructor(options: ResourcesOptions) {
    this.#options = options;
  }

  /** Finds out what can be limited here, and begins to look after it. */
  start(): void {
    const { prefix, log } = this.#options;
    if (!setOomScore('self', SUPERVISOR_OOM_SCORE))
      log.info({}, 'the kernel does not let nibox be spared when memory is used up');
    const tree = CgroupTree.open(prefix);
    if (tree instanceof CgroupTree) this.#tree = tree;
    else {
      this.#whyNot = tree.reason;
      log.warn({ reason: tree.reason }, this.#cgroupWarning());
    }
    this.#stopLooking = repeat(WATCH_MS, () => this.#look());
  }

  /** Takes an instance's limits, now and whenever they may have changed. */
  limit(instance: string, limits: ResourceLimits): void {
    if (JSON.stringify(this.#limits.get(instance)) === JSON.stringify(limits)) return;
    this.#limits.set(instance, limits);
    this.#attempt(instance, tree => {
      tree.ensure(instance, limits);
      if (!this.#kills.has(instance)) this.#kills.set(instance, tree.memoryKills(instance));
    });
  }

  of(instance: string): InstanceResources {
    return {
      command: command => {
        const { openFiles } = this.#limits.get(instance) ?? { openFiles: Number.POSITIVE_INFINITY };
        const count = Math.min(openFiles, mostOpenFiles());
        return Number.isFinite(count) ? withOpenFiles(count, command) : [...command];
      },
      admit: pid => {
        setOomScore(pid, MANAGER_OOM_SCORE);
        this.#attempt(instance, tree => tree.admit(instance, pid));
      },
    };
  }

  /** When its processes have ended. */
  async remove(instance: string): Promise<void> {
    this.#limits.delete(instance);
    this.#kills.delete(instance);
    this.#ended.delete(instance);
    try {
      await this.#tree?.remove(instance);
    } catch (error) {
      this.#options.log.warn({ ni: instance, err: error }, `the cgroup of ${instance} could not be removed`);
    }
  }

  /** Looks no more; groups and processes stay. */
  leave(): void {
    this.#stopLooking();
  }

  /** After the last instance was removed. */
  close(): void {
    this.leave();
    this.#tree?.close();
  }

  /** What of the limits is not in force, and whom they have hit. */
  warnings(): string[] {
    const most = mostOpenFiles();
    const fewer = [...this.#limits].filter(([, { openFiles }]) => openFiles > most).map(([name]) => name);
    return [
      ...(this.#tree ? [] : [this.#cgroupWarning()]),
      ...(fewer.length > 0
        ? [
            `${fewer.join(', ')}: openFiles is more than nibox itself may have: ${most} are allowed; raise LimitNOFILE= of its unit`,
          ]
        : []),
      ...[...this.#ended].map(
        ([name, { count, at }]) =>
          `${name}: ended ${count === 1 ? 'once' : `${count} times`} for its memory, last at ${new Date(at).toISOString()}: see \`nibox logs\`, raise memoryMax if that is too little`,
      ),
    ];
  }

  #cgroupWarning(): string {
    return `memoryHigh and pidsMax are not in force: ${this.#whyNot}; memoryMax is kept by looking at managers (docs/resources.md)`;
  }

  /** Not a failure of the instance: it works without limits too. */
  #attempt(instance: string, action: (tree: CgroupTree) => void): void {
    if (!this.#tree) return;
    try {
      action(this.#tree);
    } catch (error) {
      this.#options.log.warn({ ni: instance, err: error }, `the cgroup of ${instance} could not be set up`);
    }
  }

  #look(): void {
    for (const [name, pid] of this.#options.managers()) {
      if (this.#tree) this.#tellKills(name, this.#tree);
      else if (pid !== null) this.#judge(name, pid);
    }
  }

  #tellKills(name: string, tree: CgroupTree): void {
    const kills = tree.memoryKills(name);
    const more = kills - (this.#kills.get(name) ?? kills);
    this.#kills.set(name, kills);
    if (more <= 0) return;
    const { memoryMax } = this.#limits.get(name) ?? {};
    this.#note(name, more);
    const text = `${name}: the kernel ended ${more} of its processes: together they had used up ${memoryMax} MiB`;
    this.#options.log.error({ ni: name }, text);
  }

  #judge(name: string, pid: number): void {
    const { memoryMax } = this.#limits.get(name) ?? { memoryMax: Number.POSITIVE_INFINITY };
    const used = ownMemory(pid);
    if (used <= memoryMax) return;
    this.#note(name, 1);
    this.#options.onExceeded(name, `held ${Math.round(used)} MiB, more than its memoryMax of ${memoryMax}`);
  }

  #note(name: string, count: number): void {
    this.#ended.set(name, { count: (this.#ended.get(name)?.count ?? 0) + count, at: Date.now() });
  }
}
