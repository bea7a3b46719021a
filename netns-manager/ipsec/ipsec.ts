import type { Log } from '../../shared/log/log.ts';
import type { VpnStatus, VpnTunnel } from '../../shared/proto/messages.ts';
import { StateReport } from '../../shared/state/state-report.ts';
import type { Backend } from './backend.ts';
import { type CharonEvent, CharonLink } from './charon-link.ts';
import { LoadedTunnels } from './loaded-tunnels.ts';
import { rotateLog } from './rotate-log.ts';
import { readSas } from './sa.ts';
import { terminate } from './terminate.ts';
import { TunnelBook } from './tunnel-book.ts';
import { type TunnelDevice, tunnelDevice } from './tunnel-device.ts';
import type { ViciClient } from './vici/client.ts';
import type { ViciMessage } from './vici/message.ts';
import { type IpsecWanted, renderWanted } from './wanted-tunnels.ts';

export interface IpsecOptions {
  /** Of this NI's charon alone, made when missing: config, state, socket. At most 80 characters, as Unix sockets demand. */
  directory: string;
  /** charon's own log. */
  logFile: string;
  /** Of it, before it becomes `<logFile>.1`. */
  maxLogBytes: () => number;
  log: Log;
  /** Of its state files. Default: one of its own, for the log alone. */
  report?: StateReport;
  /** The status has changed, be it a counter. */
  onChange: () => void;
}

export type { IpsecWanted };
export type IpsecChange = 'unchanged' | 'started' | 'changed';

/** How often the SAs are looked at, beside events; and a removed socket is noticed. */
const REFRESH_MS = 2_000;
/** Events come in bursts. */
const EVENT_DELAY_MS = 50;
/** After which the status says that charon does not answer. */
const SLOW_MS = 1_500;
/** How often charon is asked whether it still has its secrets; nobody but an intruder takes them away. */
const CREDENTIALS_CHECK_MS = 10_000;
/** How long a trouble that was mended stays in the status, for people to see. */
const TROUBLE_SHOWN_MS = 10_000;

/**
 * The IPsec of one NI: a charon in this network namespace that has these tunnels and no others, and keeps them open. It outlives
 * this process; the next one adopts it, and what is unchanged goes on with the same SAs.
 */
export class Ipsec {
  readonly #options: IpsecOptions;
  readonly #charon: CharonLink;
  readonly #book = new TunnelBook();
  #wanted: IpsecWanted | null = null;
  /** Of what the book was told. */
  #rendered: IpsecWanted | null = null;
  readonly #report: StateReport;
  #loaded: LoadedTunnels | null = null;
  #failure = '';
  #trouble = { words: '', until: 0 };
  #credentialsCheckedAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  /** Passes run one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #isDetached = false;
  /** The status when onChange() was called last. */
  #told = '';

  constructor(options: IpsecOptions) {
    this.#options = options;
    this.#report = options.report ?? new StateReport(options.log);
    this.#charon = new CharonLink({
      directory: options.directory,
      logFile: options.logFile,
      log: options.log,
      report: this.#report,
      onEvent: (event, message) => this.#onEvent(event, message),
      onLost: reason => this.#onLost(reason),
      onMended: what => this.#showTrouble(what),
    });
  }

  /** Of the running charon, or null. */
  get pid(): number | null {
    return this.#charon.pid;
  }

  /** Who does ESP; null until prepare(), adopt() or apply(). */
  get backend(): Backend | null {
    return this.#charon.backend;
  }

  /** Finds out who does ESP, once. */
  prepare(): Promise<void> {
    return this.#charon.probe();
  }

  /**
   * Through which device a tunnel's traffic is routed; prepare() comes first. charon's own device is there while charon runs,
   * and is another one after its restart.
   */
  deviceOf(tunnel: VpnTunnel): TunnelDevice {
    const { backend, hasXfrmInterfaces } = this.#charon;
    if (backend === null) throw new Error(`the device of tunnel ${tunnel.name} is not known before prepare()`);
    return tunnelDevice(tunnel, backend, hasXfrmInterfaces);
  }

  /** Takes over the charon that an earlier manager left running, if there is one. */
  async adopt(): Promise<void> {
    await this.#serially(() => this.#charon.adopt());
  }

  /**
   * Brings charon to have exactly these tunnels: starts it, loads what differs, opens what a client has to open. Resolves when
   * they are loaded, not when they are up. Throws when charon can't run, or with the reasons why single tunnels can't be used:
   * the others are then in effect all the same. What fails is tried again until the next call.
   */
  apply(wanted: IpsecWanted): Promise<IpsecChange> {
    return this.#serially(async () => {
      this.#wanted = wanted;
      this.#loaded?.forgetRefusals();
      const change = await this.#pass();
      const unusable = this.#book.unusable;
      if (unusable.length > 0) {
        throw new Error(unusable.map(({ name, reason }) => `tunnel ${name}: ${reason}`).join('; '));
      }
      return change;
    });
  }

  /** As last known: refreshed about every two seconds and on events. */
  status(): VpnStatus {
    const trouble = Date.now() < this.#trouble.until ? this.#trouble.words : '';
    return {
      backend: this.backend ?? '',
      charonPid: this.pid ?? 0,
      error: this.#failure || trouble,
      tunnels: this.#book.status(),
    };
  }

  /** Ends charon, adopted or not, and with it all tunnels. */
  stop(): Promise<void> {
    return this.#serially(async () => {
      this.#wanted = null;
      this.#rendered = null;
      this.#book.want([]);
      this.#unschedule();
      await this.#charon.stop();
      this.#loaded = null;
    });
  }

  /** Lets go of charon, which runs on for the next manager. This object is of no use afterwards. */
  detach(): void {
    this.#isDetached = true;
    this.#unschedule();
    this.#charon.detach();
  }

  #serially<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Brings about what is wanted as far as possible, and looks at what there is. */
  async #pass(): Promise<IpsecChange> {
    if (!this.#wanted || this.#isDetached) return 'unchanged';
    try {
      const change = await this.#converge(this.#wanted);
      this.#failure = '';
      return change;
    } catch (error) {
      this.#failure = (error as Error).message;
      await this.#charon.judge(error);
      throw error;
    } finally {
      this.#wake(Math.min(Date.now() + REFRESH_MS, Math.max(this.#book.nextCallAt, this.#charon.startsAt)));
      this.#tell();
    }
  }

  async #converge(wanted: IpsecWanted): Promise<IpsecChange> {
    if (wanted.tunnels.length === 0) return this.#rest(wanted);
    await this.prepare();
    this.#render(wanted);
    const { vici, isStarted } = await this.#charon.connect();
    const slow = setTimeout(() => this.#tellSlow(), SLOW_MS);
    try {
      const isChanged = await this.#load(vici);
      await this.#look(vici);
      return isStarted ? 'started' : isChanged ? 'changed' : 'unchanged';
    } finally {
      clearTimeout(slow);
    }
  }

  /** Without tunnels there is no charon. */
  async #rest(wanted: IpsecWanted): Promise<IpsecChange> {
    this.#book.want([]);
    this.#rendered = wanted;
    const wasRunning = this.pid !== null;
    await this.#charon.stop();
    this.#loaded = null;
    return wasRunning ? 'changed' : 'unchanged';
  }

  /** Takes in what is wanted, once: reading certificates costs. */
  #render(wanted: IpsecWanted): void {
    if (this.#rendered === wanted) return;
    this.#book.want(renderWanted(wanted, this.backend!, tunnel => this.deviceOf(tunnel)));
    this.#rendered = wanted;
  }

  async #load(vici: ViciClient): Promise<boolean> {
    this.#loaded ??= LoadedTunnels.read(this.#options.directory, this.#charon.identity!, this.#report);
    const { rendered } = this.#book;
    const { loaded, unloaded } = await this.#loaded.sync(vici, rendered);
    this.#book.loaded(loaded);
    for (const tunnel of rendered) {
      const reason = this.#loaded.refusal(tunnel);
      if (reason !== null) this.#book.fail(tunnel.name, reason);
    }
    if (Date.now() - this.#credentialsCheckedAt > CREDENTIALS_CHECK_MS) {
      this.#credentialsCheckedAt = Date.now();
      if (await this.#loaded.restoreCredentials(vici, rendered)) {
        this.#showTrouble('charon had lost secrets; it has them again');
      }
    }
    if (loaded.length + unloaded.length > 0) this.#options.log.info({ loaded, unloaded }, 'tunnels loaded');
    return loaded.length + unloaded.length > 0;
  }

  async #look(vici: ViciClient): Promise<void> {
    this.#book.look(readSas(await vici.stream('list-sas', 'list-sa')), Date.now());
    for (const { tunnel, children, isAnew } of this.#book.takeCalls(Date.now())) {
      if (isAnew) await terminate(vici, tunnel);
      for (const child of children) {
        await vici.request('initiate', { ike: tunnel, child, timeout: '-1', 'init-limits': 'no' });
      }
    }
    if (rotateLog(this.#options.logFile, this.#options.maxLogBytes())) await vici.request('reload-settings');
  }

  #onEvent(event: CharonEvent, message: ViciMessage): void {
    if (event === 'ike-updown') this.#book.noteUpDown(message);
    if (event !== 'log') this.#wake(Date.now() + EVENT_DELAY_MS);
    else if (this.#book.noteLog(message)) this.#tell();
  }

  #onLost(reason: string): void {
    if (this.#isDetached) return;
    this.#loaded = null;
    this.#failure = reason;
    this.#showTrouble(`${reason}; it was started anew`);
    this.#book.interrupted(reason);
    this.#tell();
    this.#wake(Date.now());
  }

  #showTrouble(words: string): void {
    this.#options.log.warn({}, words);
    this.#trouble = { words, until: Date.now() + TROUBLE_SHOWN_MS };
  }

  #tellSlow(): void {
    this.#failure = `charon (pid ${this.pid}) does not answer`;
    this.#tell();
  }

  /** Tells that the status has changed, if it has. */
  #tell(): void {
    const status = JSON.stringify(this.status());
    if (status === this.#told) return;
    this.#told = status;
    this.#options.onChange();
  }

  /** Has a pass run at a time, or before. */
  #wake(at: number): void {
    if (this.#isDetached || this.#wanted === null || at >= this.#timerAt) return;
    this.#unschedule();
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        // What fails is told by the status.
        this.#serially(() => this.#pass()).catch(() => {});
      },
      Math.max(0, at - Date.now()),
    );
    this.#timer.unref();
  }

  #unschedule(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
  }
}
