import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that was started, as the last exec of its process says. */
export interface Program {
  pid: number;
  /** `supervisor`, or the name of the network instance whose manager's process is above it. */
  by: string;
  command: string;
}

/** How long nothing must have started. Passes follow their cause within 0.2 s. */
const QUIET_MS = 1_500;
const POLL_MS = 100;
const GIVE_UP_MS = 120_000;
const FILE = 'process';
const CALLS = 'trace=execve,clone,clone3,fork,vfork';

/** Counts the programs that a supervisor and all that come from it start: strace misses none, and needs no help of theirs. */
export class Trace {
  readonly #strace: ChildProcess;
  readonly #directory: string;
  readonly #ignored: RegExp;
  readonly #told = new Set<number>();

  private constructor(strace: ChildProcess, directory: string, ignored: RegExp) {
    this.#strace = strace;
    this.#directory = directory;
    this.#ignored = ignored;
  }

  /** Resolves when it sees the supervisor. `ignored`: commands that are not counted. */
  static async attach(supervisor: number, ignored: RegExp): Promise<Trace> {
    const directory = await mkdtemp(join(tmpdir(), 'nibox-gate-'));
    const args = ['-ff', '-qq', '-s', '200', '-e', CALLS, '-e', 'signal=none', '-o', join(directory, FILE)];
    const strace = spawn('strace', [...args, '-p', `${supervisor}`], { stdio: 'ignore' });
    const failed = once(strace, 'exit').then(([code]) => {
      throw new Error(`strace could not be attached to ${supervisor} (${code}): may processes be traced here?`);
    });
    failed.catch(() => {});
    await Promise.race([failed, untilTraced(supervisor)]);
    return new Trace(strace, directory, ignored);
  }

  /**
   * Waits until nothing more is started, and until `isEnough`. Gives what was started since the last time. Throws when there is no
   * end of it.
   */
  async untilQuiet(isEnough: (programs: readonly Program[]) => boolean = () => true): Promise<Program[]> {
    const end = Date.now() + GIVE_UP_MS;
    let count = -1;
    let since = Date.now();
    for (;;) {
      const programs = (await this.#read()).filter(({ pid }) => !this.#told.has(pid));
      if (programs.length !== count) since = Date.now();
      count = programs.length;
      if (Date.now() - since > QUIET_MS && isEnough(programs)) {
        for (const { pid } of programs) this.#told.add(pid);
        return programs;
      }
      const words = () => programs.map(({ by, command }) => `${by}: ${command}`).join('\n');
      if (Date.now() > end) throw new Error(`it does not come to rest, or does nothing at all; started:\n${words()}`);
      await sleep(POLL_MS);
    }
  }

  /** What is traced goes on. */
  async end(): Promise<void> {
    if (this.#strace.exitCode === null) {
      const ended = once(this.#strace, 'exit');
      this.#strace.kill('SIGTERM');
      await ended;
    }
    await rm(this.#directory, { recursive: true });
  }

  async #read(): Promise<Program[]> {
    const parents = new Map<number, number>();
    const commands = new Map<number, string>();
    for (const name of await readdir(this.#directory)) {
      const pid = Number(name.slice(FILE.length + 1));
      for (const line of (await readFile(join(this.#directory, name), 'utf8')).split('\n')) {
        const child = /^(?:clone|clone3|fork|vfork)\(.* = (\d+)$/.exec(line)?.[1];
        if (child !== undefined) parents.set(Number(child), pid);
        const words = /^execve\("[^"]*", \[(.*)\], 0x.* = 0$/.exec(line)?.[1];
        if (words !== undefined) commands.set(pid, plain(words));
      }
    }
    const by = (pid: number | undefined): string =>
      pid === undefined ? 'supervisor' : (managed(commands.get(pid)) ?? by(parents.get(pid)));
    return [...commands]
      .filter(([, command]) => !this.#ignored.test(command))
      .map(([pid, command]) => ({ pid, by: by(parents.get(pid)), command }));
  }
}

async function untilTraced(pid: number): Promise<void> {
  for (;;) {
    const tasks = await readdir(`/proc/${pid}/task`);
    const states = await Promise.all(tasks.map(task => readFile(`/proc/${pid}/task/${task}/status`, 'utf8')));
    if (states.every(text => !text.includes('TracerPid:\t0\n'))) return;
    await sleep(POLL_MS);
  }
}

/** `"ip", "-j"` as a person writes it. */
function plain(words: string): string {
  return [...words.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) => word!.replaceAll('\\"', '"')).join(' ');
}

/** The network instance whose manager is started by a command. */
function managed(command: string | undefined): string | undefined {
  return /\.cjs \{"name":"([^"]+)"/.exec(command ?? '')?.[1];
}
