import type { ProcessIdentity } from '../../shared/kernel/process-identity.ts';
import type { Log } from '../../shared/log/log.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import type { ProcessExit } from '../daemon/daemon-process.ts';
import type { Backend } from './backend.ts';
import { Backoff } from './backoff.ts';
import { CharonError } from './charon-error.ts';
import { CharonProcess } from './charon-process.ts';
import { type BackendProbe, probeBackend } from './probe-backend.ts';
import { ViciClient } from './vici/client.ts';
import { ViciError } from './vici/errors.ts';
import type { ViciMessage } from './vici/message.ts';

/** What charon tells unasked. */
export const EVENTS = ['log', 'ike-updown', 'ike-rekey', 'child-updown', 'child-rekey'] as const;
export type CharonEvent = (typeof EVENTS)[number];

export interface CharonLinkOptions {
  directory: string;
  logFile: string;
  log: Log;
  report: StateReport;
  onEvent: (event: CharonEvent, message: ViciMessage) => void;
  /** charon is lost, for a reason in words; connect() mends it. */
  onLost: (reason: string) => void;
  /** Something was wrong, in words, and has been mended without a loss. */
  onMended: (what: string) => void;
}

/** Restarts of a charon that ends again and again. One costs some 50 ms of work; an NI without it has no tunnel at all. */
const RESTARTS = { firstMs: 100, maxMs: 2_000, stableMs: 10_000 };
/** A charon that has not answered in its time is asked once more for so long: the device may just be busy. */
const SECOND_LOOK_MS = 2_000;

/** A running charon with an open connection: started, adopted, watched and mended. */
export class CharonLink {
  readonly #options: CharonLinkOptions;
  readonly #process: CharonProcess;
  readonly #restarts = new Backoff(RESTARTS);
  #probe: BackendProbe | null = null;
  #vici: ViciClient | null = null;
  #startedAt = 0;
  #lastStartError = '';

  constructor(options: CharonLinkOptions) {
    this.#options = options;
    const { directory, logFile, log, report } = options;
    this.#process = new CharonProcess({ directory, logFile, log, report, onExit: exit => this.#onExit(exit) });
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  get identity(): ProcessIdentity | null {
    return this.#process.identity;
  }

  /** Who does ESP; null until that was found out. */
  get backend(): Backend | null {
    return this.#process.backend ?? this.#probe?.backend ?? null;
  }

  /** Whether route-based tunnels can have interfaces of their own. */
  get hasXfrmInterfaces(): boolean {
    return this.backend === 'kernel-netlink' && this.#probe?.hasXfrmInterfaces === true;
  }

  /** Unix milliseconds before which a charon that has ended is not started again. */
  get startsAt(): number {
    return this.#process.pid === null ? this.#restarts.dueAt : 0;
  }

  /** Finds out who does ESP. */
  async probe(): Promise<void> {
    if (this.#probe) return;
    this.#probe = await probeBackend();
    const { backend, hasXfrmInterfaces, reason } = this.#probe;
    this.#options.log.info({ backend, hasXfrmInterfaces, reason }, 'IPsec backend chosen');
  }

  adopt(): Promise<boolean> {
    return this.#process.adopt();
  }

  /** The connection to a running charon, which is started when none runs. `isStarted`: it knows nothing yet. */
  async connect(): Promise<{ vici: ViciClient; isStarted: boolean }> {
    let isStarted = false;
    // The end of one that was adopted makes no event: it may be noticed here first.
    if (this.#process.pid === null && this.#vici !== null) this.#lose('charon ended');
    if (this.#process.pid !== null) await this.#keepSocket();
    if (this.#process.pid === null) {
      await this.#start();
      isStarted = true;
    } else {
      this.#restarts.works(this.#startedAt, Date.now());
    }
    if (this.#vici?.isClosed ?? true) this.#vici = await this.#dial();
    return { vici: this.#vici!, isStarted };
  }

  /** Judges a failed request. A charon that does not answer a second time is killed; connect() starts another. */
  async judge(error: unknown): Promise<void> {
    if (!(error instanceof ViciError) || error.code !== 'ERR_VICI_TIMEOUT' || this.#process.pid === null) return;
    try {
      const vici = await ViciClient.connect(this.#process.socketFile);
      await vici.request('version', {}, { timeoutMs: SECOND_LOOK_MS }).finally(() => vici.close());
      this.#options.log.warn({ pid: this.#process.pid }, 'charon was slow to answer');
    } catch {
      const { pid } = this.#process;
      this.#lose(`charon (pid ${pid}) did not answer and was killed`);
      this.#process.kill();
      await this.#process.stop();
    }
  }

  /** Lets go of charon, which runs on. */
  detach(): void {
    this.#vici?.close();
    this.#vici = null;
  }

  /** Ends charon. That it ended is then no reason to wait before the next start. */
  async stop(): Promise<void> {
    this.detach();
    this.#restarts.reset();
    await this.#process.stop();
  }

  /** While a connection is open, a socket that is gone for good is no reason to lose the tunnels. */
  async #keepSocket(): Promise<void> {
    const socket = this.#process.restoreSocket();
    if (socket === 'restored') this.#options.onMended('the VICI socket of charon had been removed; it was put back');
    if (socket !== 'lost' || this.#vici?.isClosed === false) return;
    this.#lose('the VICI socket of charon was removed');
    await this.#process.stop();
  }

  async #start(): Promise<void> {
    const now = Date.now();
    if (!this.#restarts.isDue(now)) {
      const seconds = ((this.#restarts.dueAt - now) / 1000).toFixed(1);
      throw new CharonError(`charon keeps ending; it is started again in ${seconds} s`, this.#lastStartError);
    }
    this.#restarts.tried(now);
    this.#vici?.close();
    await this.probe();
    try {
      await this.#process.start(this.#probe!.backend);
    } catch (error) {
      this.#lastStartError = (error as Error).message;
      throw error;
    }
    this.#lastStartError = '';
    this.#startedAt = Date.now();
  }

  async #dial(): Promise<ViciClient> {
    const vici = await ViciClient.connect(this.#process.socketFile);
    try {
      for (const event of EVENTS) await vici.on(event, message => this.#options.onEvent(event, message));
    } catch (error) {
      vici.close();
      throw error;
    }
    return vici;
  }

  #onExit({ pid, code, signal }: ProcessExit): void {
    this.#lose(`charon (pid ${pid}) ended${signal ? ` by ${signal}` : code === null ? '' : ` with ${code}`}`);
  }

  #lose(reason: string): void {
    this.#options.log.warn({ reason }, 'charon lost');
    this.#vici?.close();
    this.#vici = null;
    this.#options.onLost(reason);
  }
}
