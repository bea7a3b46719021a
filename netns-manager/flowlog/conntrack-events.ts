import { type ChildProcess, spawn } from 'node:child_process';
import { type ConntrackEntry, parseConntrackLine } from '../../shared/kernel/conntrack.ts';
import { onLines } from '../../shared/kernel/lines.ts';
import type { Log } from '../../shared/log/log.ts';

/** Kernel buffer for events, bytes: a port scan ends 10 000 connections at once. */
const EVENT_BUFFER_BYTES = 4 * 1024 * 1024;
/** Only connections that an ACE of the config let through; see netns-manager/acl/mark.ts. */
const USER_ACE_MARK = '0x400000/0x400000';
const RESTART_MS = 1_000;
/** Flows that end meanwhile are missing in the log, and a start costs little. */
const LONGEST_RESTART_MS = 4_000;
/** Running this long it counts as healthy, and the next restart is quick again. */
const HEALTHY_MS = 10_000;

export interface ConntrackEventsOptions {
  log: Log;
  onEnd: (flow: ConntrackEntry) => void;
  /** Program and first arguments; for tests that look into another namespace. */
  command?: readonly string[];
}

/** Listens for connections that end. The listener is a child that dies with this process, and is started again if it dies. */
export class ConntrackEvents {
  readonly #options: ConntrackEventsOptions;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delay = RESTART_MS;
  #isStopped = true;

  constructor(options: ConntrackEventsOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#spawn();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise(resolve => child.once('close', resolve));
    child.kill('SIGKILL'); // it has nothing to put away, and SIGTERM lets it finish a backlog first
    await closed;
  }

  #spawn(): void {
    // A closed pipe ends conntrack only at its next event; the signal ends it with this process, even after kill -9.
    const [program = 'setpriv', ...first] = this.#options.command ?? ['setpriv', '--pdeathsig', 'KILL', 'conntrack'];
    const args = ['-E', '-e', 'DESTROY', '-o', 'timestamp,extended,id', '-m', USER_ACE_MARK];
    const child = spawn(program, [...first, ...args, '-b', String(EVENT_BUFFER_BYTES)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const started = Date.now();
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('latin1')).slice(-500);
    });
    onLines(child.stdout, line => {
      const flow = parseConntrackLine(line);
      if (flow?.event === 'destroy') this.#options.onEnd(flow);
    });
    child.on('error', error => {
      complaint = error.message;
    });
    child.on('close', (code, signal) => {
      if (this.#child === child) this.#child = null;
      if (this.#isStopped) return;
      this.#delay = Date.now() - started > HEALTHY_MS ? RESTART_MS : Math.min(2 * this.#delay, LONGEST_RESTART_MS);
      const log = this.#options.log;
      log.warn({ code, signal, stderr: complaint, delay: this.#delay }, 'conntrack ended, starting it again');
      this.#timer = setTimeout(() => this.#spawn(), this.#delay);
    });
  }
}
