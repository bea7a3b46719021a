import type { SupervisionLimits } from '../../shared/config/supervision.ts';
import { EXIT_CONFIG } from '../../shared/exit-codes.ts';
import type { ProcessIdentity } from '../../shared/kernel/process-identity.ts';
import type { Log } from '../../shared/log/log.ts';
import { type DeathCause, Deaths } from './deaths.ts';
import { RestartPolicy } from './restart-policy.ts';

/**
 * starting: spawned, not in service yet. running: in service. suspect: silent, has a last chance. ending: it was told to end.
 * waiting: dead, to be restarted. failed: dies again and again, tried again late. refused: it can't work with its config, and is
 * started with the next one. stopped: by an operator, or not started yet.
 */
export type ManagerState = 'starting' | 'running' | 'suspect' | 'ending' | 'waiting' | 'failed' | 'refused' | 'stopped';

/** How a child ended; all null: of a process that is no child of ours nobody tells. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** It could not be started. */
  error: Error | null;
}

/** What starts, looks at and signals the process. */
export interface ProcessHost {
  /** Throws when it can't even be tried. `onEnd` is called once. */
  spawn(code: string, version: string, onEnd: (end: ProcessEnd) => void): ProcessIdentity;
  look(identity: ProcessIdentity): 'gone' | 'stopped' | 'running';
  signal(identity: ProcessIdentity, signal: NodeJS.Signals): void;
  signalGroup(identity: ProcessIdentity, signal: NodeJS.Signals): void;
  logTail(): string[];
}

/** A manager's program: a file, and what it calls itself. */
export interface Code {
  file: string;
  version: string;
}

export interface ManagerSupervisionOptions {
  /** Of the network instance. */
  name: string;
  code: Code;
  host: ProcessHost;
  /** Read anew whenever they count. */
  limits: () => SupervisionLimits;
  /** Pings in a row that the connected manager has not answered. */
  missedPings: () => number;
  log: Log;
  onChange: () => void;
}

/** While a process that is no child of ours is to end. */
const ENDING_POLL_MS = 20;

/** One network instance's manager: started, watched, restarted when it dies or hangs, taken over when it already runs. */
export class Manager {
  readonly #options: ManagerSupervisionOptions;
  readonly #policy: RestartPolicy;
  readonly deaths = new Deaths();
  state: ManagerState = 'stopped';
  restarts = 0;
  code: Code;
  /** When a failed or waiting one is started again, Unix milliseconds; 0: it is not. */
  retryAt = 0;
  #process: ProcessIdentity | null = null;
  #isChild = false;
  /** The spawn whose end is waited for. */
  #life: object | null = null;
  #startedAt = 0;
  #readyAt: number | null = null;
  /** Since when it is not connected though it runs; null: it is. */
  #outOfTouchAt: number | null = null;
  /** Of what is told to end: why. */
  #ending: { cause: DeathCause; detail: string } | null = null;
  /** Restart when it is gone: false for one that was stopped. */
  #wanted = false;
  #timers = new Map<'restart' | 'deadline' | 'look' | 'kill', NodeJS.Timeout>();
  #waiters: (() => void)[] = [];

  constructor(options: ManagerSupervisionOptions) {
    this.#options = options;
    this.code = options.code;
    this.#policy = new RestartPolicy(options.limits);
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Of its start or adoption, Unix milliseconds; 0: it does not run. */
  get since(): number {
    return this.#process === null ? 0 : this.#startedAt;
  }

  /** Seconds since its start or adoption. */
  get uptime(): number {
    return this.#process === null ? 0 : Math.round((Date.now() - this.#startedAt) / 1000);
  }

  /** Starts it, unless it runs; deaths of the past count no more. */
  start(): void {
    this.#wanted = true;
    if (this.#process !== null) return;
    this.#policy.forgive();
    this.#spawn();
  }

  /** Takes over a process that runs; it is in touch when connected() says so. */
  adopt(identity: ProcessIdentity, code: Code = this.code): void {
    this.#wanted = true;
    this.#process = identity;
    this.#isChild = false;
    this.#life = null;
    this.code = code;
    this.#startedAt = Date.now();
    this.#readyAt = this.#startedAt;
    this.#outOfTouchAt = this.#startedAt;
    this.#enter('running');
    this.#lookSoon(); // it may be one that was stopped
  }

  /** Remembers that an operator stopped it. */
  leaveStopped(): void {
    this.#wanted = false;
    this.#enter('stopped');
  }

  /** It said hello on its own socket: it is in service. */
  connected(): void {
    this.#outOfTouchAt = null;
    if (this.state === 'starting') {
      this.#clear('deadline');
      this.#readyAt = Date.now();
    }
    if (this.state === 'starting' || this.state === 'suspect') this.#enter('running');
    else this.#options.onChange();
  }

  /** The connection is gone; perhaps the process is. */
  disconnected(): void {
    this.#outOfTouchAt ??= Date.now();
    if (!this.#isChild) this.#lookSoon();
  }

  /** A new config: one that could not work with the old one is tried again. */
  configChanged(): void {
    if (this.state === 'refused' || this.state === 'failed') this.start();
  }

  /** Ends it; it stays stopped. With services: dnsmasq and the like go before it does. Resolves when it is gone. */
  async stop(withServices: boolean): Promise<void> {
    this.#wanted = false;
    this.#clear('restart');
    this.#end('operator', 'stopped', withServices ? 'SIGUSR2' : 'SIGTERM', this.#options.limits().stopGrace);
    await this.#gone();
    this.#enter('stopped');
  }

  /** Ends it, if it runs, and starts it anew, with other code when given. Resolves when the new process has been spawned. */
  async restart(cause: 'operator' | 'upgrade' = 'operator', code: Code = this.code): Promise<void> {
    this.#wanted = false;
    this.#clear('restart');
    this.#end(
      cause,
      cause === 'upgrade' ? 'replaced by other code' : 'restarted',
      'SIGTERM',
      this.#options.limits().stopGrace,
    );
    await this.#gone();
    this.code = code;
    this.restarts += 1;
    this.start();
  }

  /** It has taken more memory than it may: it is killed, and started anew like after any other death. */
  exceeded(detail: string): void {
    if (this.#ending === null) this.#end('memory', detail, 'SIGKILL', 0);
  }

  // ---- its process

  #spawn(): void {
    const { host, log, name, limits } = this.#options;
    this.#clear('restart');
    this.#startedAt = Date.now();
    this.#readyAt = null;
    this.#outOfTouchAt = null;
    this.#ending = null;
    this.#isChild = true;
    const life = {};
    this.#life = life;
    let spawned: ProcessIdentity;
    try {
      spawned = host.spawn(this.code.file, this.code.version, end => {
        if (this.#life === life) this.#ended(end);
      });
    } catch (error) {
      this.#ended({ code: null, signal: null, error: error as Error });
      return;
    }
    this.#process = spawned;
    log.info({ ni: name, manager: spawned.pid }, 'manager spawned');
    this.#enter('starting');
    this.#after('deadline', limits().readyDeadline, () => this.#missedDeadline());
    this.#lookLater();
  }

  #missedDeadline(): void {
    if (this.state !== 'starting') return;
    const { readyDeadline, abortGrace } = this.#options.limits();
    this.#end('readiness', `was not in service ${readyDeadline} s after its start`, 'SIGABRT', abortGrace);
  }

  /** Tells it to end, and kills its process group when it has not after the grace in seconds. */
  #end(cause: DeathCause, detail: string, signal: NodeJS.Signals, grace: number): void {
    const { host, log, name } = this.#options;
    const process = this.#process;
    if (process === null) return;
    this.#clear('deadline');
    this.#ending = { cause, detail };
    if (cause === 'readiness' || cause === 'watchdog' || cause === 'memory')
      log.error({ ni: name, manager: process.pid, cause }, `manager of ${name} ${detail}`);
    this.#enter('ending');
    host.signal(process, signal);
    host.signal(process, 'SIGCONT'); // a stopped one hears nothing else
    this.#after('kill', grace, () => host.signalGroup(process, 'SIGKILL'));
    if (!this.#isChild) this.#lookSoon();
  }

  /** Its process is gone. */
  #ended({ code, signal, error }: ProcessEnd): void {
    const { host, log, name, onChange } = this.#options;
    const process = this.#process;
    const now = Date.now();
    for (const timer of ['deadline', 'look', 'kill'] as const) this.#clear(timer);
    // Its helpers hang on its pipes; those that don't notice end here. Services have groups of their own.
    if (process) host.signalGroup(process, 'SIGKILL');
    const { cause, detail } = this.#ending ?? whyEnded(code, signal, error);
    this.#ending = null;
    this.#process = null;
    this.#life = null;
    this.deaths.add({
      at: now,
      pid: process?.pid ?? 0,
      cause,
      detail,
      ran: now - this.#startedAt,
      log: host.logTail(),
    });
    if (!this.#wanted) {
      this.#enter('stopped');
    } else if (cause === 'exit' && code === EXIT_CONFIG) {
      log.error(
        { ni: name },
        `manager of ${name} can't work with its config (exit code ${EXIT_CONFIG}); started with the next one`,
      );
      this.#enter('refused');
    } else {
      const verdict = this.#policy.died(now, this.#readyAt);
      const delay = verdict.kind === 'restart' ? verdict.delay : verdict.retry;
      const fields = { ni: name, cause, delay: Math.round(delay) };
      if (verdict.kind === 'restart') log.warn(fields, `manager of ${name} ${detail}; restarted`);
      else
        log.error(
          fields,
          `manager of ${name} ${detail}; it dies again and again, the next try is in ${delay / 1000} s`,
        );
      this.retryAt = now + delay;
      this.#enter(verdict.kind === 'restart' ? 'waiting' : 'failed');
      this.#after('restart', delay / 1000, () => {
        this.restarts += 1;
        this.#spawn();
      });
    }
    for (const tell of this.#waiters.splice(0)) tell();
    onChange();
  }

  #gone(): Promise<void> {
    return this.#process === null ? Promise.resolve() : new Promise(resolve => this.#waiters.push(resolve));
  }

  // ---- looking at it

  #lookLater(): void {
    this.#after('look', this.#options.limits().pingInterval, () => this.#look());
  }

  #lookSoon(): void {
    this.#clear('look');
    this.#look();
  }

  #look(): void {
    const { host, log, name, limits, missedPings } = this.#options;
    const process = this.#process;
    if (process === null) return;
    const found = host.look(process);
    if (found === 'gone' && !this.#isChild) {
      this.#ended({ code: null, signal: null, error: null });
      return;
    }
    if (this.state === 'ending') {
      if (!this.#isChild) this.#after('look', ENDING_POLL_MS / 1000, () => this.#look());
      return;
    }
    if (found === 'stopped') {
      log.warn({ ni: name, manager: process.pid }, `manager of ${name} had been stopped by a signal; it was continued`);
      host.signal(process, 'SIGCONT');
    }
    const { pingInterval, pingMisses, secondLook, abortGrace } = limits();
    const silence = this.#outOfTouchAt === null ? 0 : Date.now() - this.#outOfTouchAt;
    const isSilent = missedPings() >= pingMisses || silence >= pingMisses * pingInterval * 1000;
    if (this.state === 'running' && isSilent) {
      log.warn({ ni: name, manager: process.pid }, `manager of ${name} does not answer; a second look follows`);
      this.#enter('suspect');
      this.#after('look', secondLook, () => this.#look());
      return;
    }
    if (this.state === 'suspect' && isSilent) {
      this.#end('watchdog', 'did not answer, nor at the second look', 'SIGABRT', abortGrace);
      return;
    }
    if (this.state === 'suspect') this.#enter('running');
    // One of an earlier life makes no event when it ends, and is out of touch first.
    if (!this.#isChild && this.#outOfTouchAt !== null) this.#after('look', ENDING_POLL_MS / 1000, () => this.#look());
    else this.#lookLater();
  }

  // ---- state and timers

  #enter(state: ManagerState): void {
    if (state !== 'waiting' && state !== 'failed') this.retryAt = 0;
    if (this.state === state) return;
    this.state = state;
    this.#options.onChange();
  }

  #after(what: 'restart' | 'deadline' | 'look' | 'kill', seconds: number, act: () => void): void {
    this.#clear(what);
    this.#timers.set(
      what,
      setTimeout(() => {
        this.#timers.delete(what);
        act();
      }, seconds * 1000),
    );
  }

  #clear(what: 'restart' | 'deadline' | 'look' | 'kill'): void {
    clearTimeout(this.#timers.get(what));
    this.#timers.delete(what);
  }
}

function whyEnded(
  code: number | null,
  signal: NodeJS.Signals | null,
  error: Error | null,
): { cause: DeathCause; detail: string } {
  if (error) return { cause: 'spawn', detail: `could not be started: ${error.message}` };
  if (signal) return { cause: 'signal', detail: `was ended by ${signal}` };
  if (code !== null) return { cause: 'exit', detail: `exited with ${code}` };
  return { cause: 'unknown', detail: 'ended; it had been adopted, so nobody tells how' };
}
