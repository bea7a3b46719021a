import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fingerprint } from '../../shared/digest.ts';
import { isRunning, type ProcessIdentity, processesWithArgument } from '../../shared/kernel/process-identity.ts';
import { CommandError, run } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';
import { StateFile } from '../../shared/state/state-file.ts';
import { StateReport } from '../../shared/state/state-report.ts';
import { DaemonProcess, type ProcessExit } from '../daemon/daemon-process.ts';
import { readOrEmpty, writeWhole } from '../daemon/whole-file.ts';
import { DnsmasqError } from './dnsmasq-error.ts';
import { addressOwners, hasStaleLease, pruneLeases, readLeaseFile } from './leases.ts';
import { FILES, LEASE_FILE, PID_FILE, type RenderedDnsmasq } from './render.ts';
import { confHash, filesHash, parseState, type RunningState, stateOf } from './running-state.ts';

const CONF_FILE = 'dnsmasq.conf';
const STATE_FILE = 'dnsmasq.state';
const OUTPUT_FILE = 'dnsmasq.out';
const VERSION = 1;
const WHEN_LOST = 'the dnsmasq that runs is known by its config, and reads its files once more';
/** dnsmasq is ready in some 10 ms; a busy device takes longer. */
const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 10;

export interface DnsmasqOptions {
  /** Of this dnsmasq alone; made when missing. The same as the one given to renderDnsmasq. */
  directory: string;
  logFile: string;
  log: Log;
  /** Of its state files. Default: one of its own, for the log alone. */
  report?: StateReport;
  /** It ended though nobody here asked for that. The owner applies again when it wants it back. */
  onExit: (exit: ProcessExit) => void;
  binary?: string;
}

/** The one dnsmasq of an NI. It outlives the manager: a new one adopts it. */
export class Dnsmasq {
  readonly #options: DnsmasqOptions;
  #process: DaemonProcess | null = null;
  #state: RunningState | null = null;
  readonly #kept: StateFile;
  /** Calls run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DnsmasqOptions) {
    this.#options = options;
    const { log, report = new StateReport(log) } = options;
    const kept = { kind: 'dnsmasq', version: VERSION, report, whenLost: WHEN_LOST };
    this.#kept = new StateFile({ file: this.#file(STATE_FILE), ...kept });
  }

  /** Of the running process, or null. */
  get pid(): number | null {
    return this.#process?.isRunning ? this.#process.identity.pid : null;
  }

  /** Whether it runs and has read exactly this: apply() would do nothing. */
  isCurrent(rendered: RenderedDnsmasq): boolean {
    return this.pid !== null && this.#state?.conf === confHash(rendered) && this.#state.files === filesHash(rendered);
  }

  /** Takes over the dnsmasq that an earlier manager left running; false when there is none. */
  adopt(): Promise<boolean> {
    return this.#serially(async () => {
      if (this.pid !== null) return true;
      const kept = this.#kept.read(parseState);
      const own = processesWithArgument(this.#confArgument);
      const isKnown = own.some(({ pid, startTime }) => pid === kept?.pid && startTime === kept.startTime);
      const state = isKnown ? kept : this.#readOff(own);
      if (state === null) return false;
      this.#own(DaemonProcess.adopt(state), state);
      this.#options.log.info({ pid: state.pid }, 'dnsmasq adopted');
      return true;
    });
  }

  /** Brings dnsmasq to run with this config, with the least disturbance. Throws DnsmasqError when it refuses. */
  apply(rendered: RenderedDnsmasq): Promise<'unchanged' | 'reloaded' | 'restarted' | 'started'> {
    return this.#serially(async () => {
      if (this.isCurrent(rendered)) {
        this.#kept.restore();
        return 'unchanged';
      }
      if (this.pid === null) {
        await this.#start(rendered);
        return 'started';
      }
      // A lease of the address's former owner would keep it from the new one, and dnsmasq forgets leases only when stopped.
      if (this.#state?.conf === confHash(rendered) && !(await this.#hasStaleLease(rendered))) {
        await this.#reload(rendered);
        // The former owner may have renewed just before the reload.
        if (!(await this.#hasStaleLease(rendered))) return 'reloaded';
      }
      await this.#check(rendered);
      await this.#end();
      await this.#start(rendered);
      return 'restarted';
    });
  }

  /** Makes dnsmasq open its log file anew, after a rotation. */
  reopenLog(): void {
    this.#process?.signal('SIGUSR2');
  }

  /** Ends dnsmasq, adopted or not; leases stay on disk. */
  stop(): Promise<void> {
    return this.#serially(async () => {
      await this.#end();
      await this.#endStrays();
      this.#kept.remove();
    });
  }

  get #confArgument(): string {
    return `--conf-file=${this.#file(CONF_FILE)}`;
  }

  get #binary(): string {
    return this.#options.binary ?? 'dnsmasq';
  }

  #file(name: string): string {
    return join(this.#options.directory, name);
  }

  #serially<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {});
    return result;
  }

  #own(process: DaemonProcess, state: RunningState): void {
    this.#process = process;
    this.#state = state;
    void process.exited.then(exit => {
      if (this.#process !== process) return; // ended by us
      this.#process = null;
      this.#options.onExit(exit);
    });
  }

  /** Of a process that no state tells of: it was started with the config that lies there; what else it has read is not known. */
  #readOff(own: readonly ProcessIdentity[]): RunningState | null {
    const conf = readOrEmpty(this.#file(CONF_FILE));
    const [only, ...others] = own;
    return only && others.length === 0 && conf !== '' ? { ...only, conf: fingerprint(conf), files: '' } : null;
  }

  async #end(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.stop();
  }

  /** A manager that was killed just after it had started dnsmasq left one that no state file tells of. */
  async #endStrays(): Promise<void> {
    for (const identity of processesWithArgument(this.#confArgument)) {
      this.#options.log.warn({ pid: identity.pid }, 'stray dnsmasq ended');
      await DaemonProcess.adopt(identity).stop();
    }
  }

  async #start(rendered: RenderedDnsmasq): Promise<void> {
    mkdirSync(dirname(this.#options.logFile), { recursive: true });
    mkdirSync(this.#options.directory, { recursive: true });
    this.#process = null;
    await this.#endStrays();
    this.#writeFiles(rendered);
    this.#write(CONF_FILE, rendered.conf);
    const leases = await readLeaseFile(this.#file(LEASE_FILE));
    const pruned = pruneLeases(leases, ownersIn(rendered));
    if (pruned !== leases) this.#write(LEASE_FILE, pruned);
    rmSync(this.#file(PID_FILE), { force: true });
    const args = ['--keep-in-foreground', this.#confArgument];
    const process = await DaemonProcess.start(this.#binary, args, this.#file(OUTPUT_FILE));
    const state = stateOf(process.identity, rendered);
    this.#kept.write(JSON.stringify(state));
    await this.#untilReady(process);
    this.#own(process, state);
  }

  /** dnsmasq writes its pid file when its sockets are open and its config is read. */
  async #untilReady(process: DaemonProcess): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    const pid = String(process.identity.pid);
    while (readOrEmpty(this.#file(PID_FILE)).trim() !== pid) {
      const isGone = !isRunning(process.identity);
      if (isGone || Date.now() > deadline) {
        await process.stop();
        const output = readOrEmpty(this.#file(OUTPUT_FILE));
        throw new DnsmasqError(isGone ? 'dnsmasq ended at once' : 'dnsmasq did not become ready', output);
      }
      await sleep(READY_POLL_MS);
    }
  }

  async #reload(rendered: RenderedDnsmasq): Promise<void> {
    this.#writeFiles(rendered);
    if (!this.#process?.signal('SIGHUP') || !this.#state) throw new DnsmasqError('dnsmasq ended before its reload', '');
    // After the signal: a manager killed in between leaves the old hash, and its successor reloads once more.
    this.#state = { ...this.#state, files: filesHash(rendered) };
    this.#kept.write(JSON.stringify(this.#state));
  }

  /** Lets dnsmasq judge a config before the running one is given up. */
  async #check(rendered: RenderedDnsmasq): Promise<void> {
    const candidate = `${CONF_FILE}.candidate`;
    this.#write(candidate, rendered.conf);
    try {
      await run(this.#binary, ['--test', `--conf-file=${this.#file(candidate)}`]);
    } catch (error) {
      if (error instanceof CommandError) throw new DnsmasqError('dnsmasq refuses its config', error.stderr);
      throw error;
    } finally {
      rmSync(this.#file(candidate), { force: true });
    }
  }

  #write(name: string, content: string): void {
    writeWhole(this.#file(name), content);
  }

  async #hasStaleLease(rendered: RenderedDnsmasq): Promise<boolean> {
    return hasStaleLease(await readLeaseFile(this.#file(LEASE_FILE)), ownersIn(rendered));
  }

  #writeFiles(rendered: RenderedDnsmasq): void {
    for (const [name, content] of rendered.files) this.#write(name, content);
  }
}

function ownersIn(rendered: RenderedDnsmasq) {
  return addressOwners(rendered.files.get(FILES.dhcpHosts) ?? '');
}
