import { linkSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isIdentity,
  isRunning,
  type ProcessIdentity,
  processesWithArgument,
} from '../../shared/kernel/process-identity.ts';
import { run } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import { DaemonProcess, type ProcessExit } from '../daemon/daemon-process.ts';
import { readOrEmpty, writeWhole } from '../daemon/whole-file.ts';
import type { Backend } from './backend.ts';
import { CharonError } from './charon-error.ts';
import { checkTun } from './probe-backend.ts';
import { renderStrongswanConf } from './strongswan-conf.ts';
import { ViciClient } from './vici/client.ts';

const BINARY = '/usr/sbin/charon-systemd';
const CONF_FILE = 'strongswan.conf';
const STATE_FILE = 'charon.state';
const VERSION = 1;
const WHEN_LOST = 'the charon that runs is known by its config';
const OUTPUT_FILE = 'charon.out';
const SOCKET_FILE = 'charon.vici';
/** A second name of the socket: when somebody removes the first, it is made from this one. */
const SPARE_SOCKET_FILE = 'charon.vici.spare';
/** charon is ready in some 50 ms; a busy device takes longer. */
const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 10;

export interface CharonProcessOptions {
  /** Of this charon alone; made when missing. Its path must fit a Unix socket's name: 90 characters. */
  directory: string;
  logFile: string;
  log: Log;
  report: StateReport;
  /** It ended though nobody here asked for that. */
  onExit: (exit: ProcessExit) => void;
}

interface CharonState extends ProcessIdentity {
  backend: Backend;
}

/** The one charon of an NI: starts, adopts and ends it. It outlives the manager. */
export class CharonProcess {
  readonly #options: CharonProcessOptions;
  #process: DaemonProcess | null = null;
  #backend: Backend | null = null;
  readonly #state: StateFile;

  constructor(options: CharonProcessOptions) {
    this.#options = options;
    const { report } = options;
    const kept = { kind: 'charon', version: VERSION, report, whenLost: WHEN_LOST };
    this.#state = new StateFile({ file: this.#file(STATE_FILE), ...kept });
  }

  /** Of the running process, or null. */
  get pid(): number | null {
    return this.#process?.isRunning ? this.#process.identity.pid : null;
  }

  /** What the running process was started with. */
  get backend(): Backend | null {
    return this.#process === null ? null : this.#backend;
  }

  /** Of the running process; null when none runs. */
  get identity(): ProcessIdentity | null {
    return this.#process?.identity ?? null;
  }

  /** Takes over the charon that an earlier manager left running; false when there is none. */
  async adopt(): Promise<boolean> {
    if (this.pid !== null) return true;
    const state = this.#state.read(parseState);
    const own = processesWithArgument(this.#file(CONF_FILE));
    const found = own.find(({ pid, startTime }) => pid === state?.pid && startTime === state.startTime) ?? own[0];
    if (!found || (own.length > 1 && found.pid !== state?.pid)) return false;
    const backend = found.pid === state?.pid ? state.backend : this.#configuredBackend();
    if (backend === null) return false;
    this.#own(DaemonProcess.adopt(found), backend);
    this.#keep(found, backend);
    this.#options.log.info({ pid: found.pid }, 'charon adopted');
    return true;
  }

  /** Starts charon anew and waits until it listens. Throws CharonError with what it said. */
  async start(backend: Backend): Promise<void> {
    await this.stop();
    if (backend === 'kernel-libipsec') checkTun();
    else await flushXfrm();
    mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
    const { logFile } = this.#options;
    this.#write(CONF_FILE, renderStrongswanConf({ backend, socketFile: this.socketFile, logFile }));
    // Nothing else: charon speaks to systemd when it finds a NOTIFY_SOCKET.
    const env = { PATH: process.env.PATH, STRONGSWAN_CONF: this.#file(CONF_FILE) };
    // charon reads no arguments: this one names it for whoever looks, and for us when the state file is lost.
    const child = await DaemonProcess.start(BINARY, [this.#file(CONF_FILE)], this.#file(OUTPUT_FILE), env);
    this.#keep(child.identity, backend);
    await this.#untilReady(child);
    rmSync(this.#file(SPARE_SOCKET_FILE), { force: true });
    linkSync(this.socketFile, this.#file(SPARE_SOCKET_FILE));
    this.#own(child, backend);
    this.#options.log.info({ pid: child.identity.pid, backend }, 'charon started');
  }

  /** Ends charon, adopted or not, and any that nobody knows of. Its child SAs go with it. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.stop();
    for (const identity of processesWithArgument(this.#file(CONF_FILE))) {
      this.#options.log.warn({ pid: identity.pid }, 'stray charon ended');
      await DaemonProcess.adopt(identity).stop();
    }
    this.#state.remove();
    for (const name of [SOCKET_FILE, SPARE_SOCKET_FILE]) rmSync(this.#file(name), { force: true });
  }

  /** Ends a charon that does not answer. */
  kill(): void {
    this.#process?.signal('SIGKILL');
  }

  get socketFile(): string {
    return this.#file(SOCKET_FILE);
  }

  /** Puts the socket back in its place when somebody removed it; 'lost': its spare is gone as well. */
  restoreSocket(): 'present' | 'restored' | 'lost' {
    this.#state.restore();
    if (exists(this.socketFile)) return 'present';
    if (!exists(this.#file(SPARE_SOCKET_FILE))) return 'lost';
    linkSync(this.#file(SPARE_SOCKET_FILE), this.socketFile);
    return 'restored';
  }

  #own(process: DaemonProcess, backend: Backend): void {
    this.#process = process;
    this.#backend = backend;
    void process.exited.then(exit => {
      if (this.#process !== process) return; // ended by us
      this.#process = null;
      this.#options.onExit(exit);
    });
  }

  async #untilReady(child: DaemonProcess): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await this.#isListening())) {
      const isGone = !isRunning(child.identity);
      if (isGone || Date.now() > deadline) {
        await child.stop();
        const output = readOrEmpty(this.#file(OUTPUT_FILE)) || readOrEmpty(this.#options.logFile);
        throw new CharonError(isGone ? 'charon ended at once' : 'charon did not become ready', output);
      }
      await sleep(READY_POLL_MS);
    }
  }

  async #isListening(): Promise<boolean> {
    try {
      (await ViciClient.connect(this.socketFile)).close();
      return true;
    } catch {
      return false;
    }
  }

  #keep({ pid, startTime }: ProcessIdentity, backend: Backend): void {
    this.#state.write(JSON.stringify({ pid, startTime, backend } satisfies CharonState));
  }

  /** By the config that the running one was started with; null: that is lost too. */
  #configuredBackend(): Backend | null {
    const conf = readOrEmpty(this.#file(CONF_FILE));
    if (conf === '') return null;
    return conf.includes('kernel-libipsec') ? 'kernel-libipsec' : 'kernel-netlink';
  }

  #file(name: string): string {
    return join(this.#options.directory, name);
  }

  #write(name: string, content: string): void {
    writeWhole(this.#file(name), content);
  }
}

/** A charon that was killed leaves its SAs and policies in the kernel; nobody else has any in this namespace. */
async function flushXfrm(): Promise<void> {
  await run('ip', ['xfrm', 'state', 'flush']);
  await run('ip', ['xfrm', 'policy', 'flush']);
}

function exists(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function parseState(text: string): CharonState {
  const state = JSON.parse(text) as CharonState;
  const isBackend = state?.backend === 'kernel-netlink' || state?.backend === 'kernel-libipsec';
  if (!isIdentity(state) || !isBackend) throw new Error('it does not tell of a charon');
  return state;
}
