import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../../world/index.ts';
import { isAlive } from '../../world/proc.ts';
import type { ProcessRecord } from '../../world/processes.ts';

/** Milliseconds between two looks at the supervisor. */
const LOOK_MS = 20;
/** Milliseconds until a watchdog ends a supervisor that says nothing. */
export const WATCHDOG_MS = 3_000;
/** Of what it printed, at most so much is told. */
const PRINTED_BYTES = 2_000;

/** What systemd is to the supervisor: starts it again at once when it has ended. */
export class Keeper {
  readonly #world: World;
  readonly #command: readonly string[];
  readonly #directories: readonly string[];
  #current: ProcessRecord | null = null;
  #isStopped = false;
  #loop: Promise<void> = Promise.resolve();
  /** Pids that the suite itself ended. */
  readonly #ended = new Set<number>();
  /** Its ends that were not the suite's doing: when, and the end of what it had printed. */
  readonly crashes: string[] = [];

  constructor(world: World, command: readonly string[], directories: readonly string[]) {
    this.#world = world;
    this.#command = command;
    this.#directories = directories;
  }

  async start(): Promise<void> {
    await this.#spawn();
    this.#loop = this.#watch();
  }

  get pid(): number {
    return this.#current?.pid ?? 0;
  }

  /** Sends a signal that ends the supervisor; the watch starts another. False: there was none. */
  kill(signal: NodeJS.Signals): boolean {
    const { pid } = this;
    if (pid === 0) return false;
    this.#ended.add(pid);
    return send(pid, signal);
  }

  /** Stops the process as if it hung; the watchdog ends it unless it goes on before. */
  hang(): boolean {
    const { pid } = this;
    if (pid === 0 || !send(pid, 'SIGSTOP')) return false;
    setTimeout(() => {
      if (this.pid === pid && !this.#isStopped) this.kill('SIGKILL');
    }, WATCHDOG_MS);
    return true;
  }

  /** Leaves the supervisor alone from now on. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
    if (this.pid > 0) send(this.pid, 'SIGCONT');
  }

  async #spawn(): Promise<void> {
    this.#current = await this.#world.startSupervisor({ command: this.#command, directories: this.#directories });
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      await sleep(LOOK_MS);
      const current = this.#current;
      if (!current || (await isAlive(current))) continue;
      this.#current = null;
      if (!this.#ended.delete(current.pid)) this.crashes.push(await lastWords(current));
      if (!this.#isStopped) await this.#spawn();
    }
  }
}

async function lastWords({ pid, log }: ProcessRecord): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return `${new Date().toISOString()}, pid ${pid}: ${text.trim().slice(-PRINTED_BYTES) || 'it printed nothing'}`;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
