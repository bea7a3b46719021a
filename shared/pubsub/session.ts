import { EventEmitter } from 'node:events';
import { repeat } from '../beat.ts';
import { type Log, silentLog } from '../log/log.ts';
import type { Codec, Hello } from '../proto/messages.ts';
import { Connection } from './connection.ts';
import { PubsubError, reasonOf } from './errors.ts';
import type { Hub } from './hub.ts';
import type { Identity } from './identity.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import type { Handlers, Subscription } from './subscription.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Wire } from './wire.ts';

const DEFAULT_BACKOFF = { firstMs: 100, maxMs: 5000 };
const DEFAULT_PING_INTERVAL_MS = 2000;
/** A connection that held so long was a good one: the next wait is the first again. */
const STABLE_MS = 5000;
/** Of a wait, either way, so that 1000 sessions don't all dial at once. */
const JITTER = 0.2;

export interface SessionOptions {
  /** Makes the wire; called again after every loss. */
  connect: () => Promise<Wire>;
  identity: Identity;
  log?: Log;
  /** What is offered to the other side. */
  hub?: Hub;
  /** Throws to refuse whoever answered. */
  expect?: (hello: Hello) => void;
  /** What the other side may cost; what is not said is the default. */
  limits?: Partial<Limits>;
  backoff?: { firstMs: number; maxMs: number };
  pingIntervalMs?: number;
}

export interface SessionEvents {
  connected: [hello: Hello];
  /** Only after `connected`. */
  disconnected: [reason: string];
  pong: [rttMs: number];
  /** One of the sides does not want the other (version, `expect`). It is tried again all the same. */
  refused: [error: PubsubError];
}

/** The dialling side: keeps one connection up for ever, and its subscriptions in step over all losses. */
export class Session extends EventEmitter<SessionEvents> {
  /** When something was last heard, in milliseconds of `performance.now()`; 0: never. */
  lastHeard = 0;
  /** Ping intervals in a row that passed in silence although a ping was due to be answered. */
  missedPings = 0;
  readonly #options: SessionOptions;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #subscriptions: Subscriptions;
  #state: 'idle' | 'connecting' | 'connected' | 'closed' = 'idle';
  #connection: Connection | null = null;
  #attempts = 0;
  #connectedAt = 0;
  #retry: NodeJS.Timeout | null = null;
  #stopPinging = () => {};
  #pingCount = 0;
  /** When the ping that was not answered yet went out; null: all were. */
  #pingSent: number | null = null;
  /** Nothing was heard since the last ping interval began. */
  #isQuiet = true;
  #lastProblem = '';

  constructor(options: SessionOptions) {
    super();
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#subscriptions = new Subscriptions(this.#log, this.#limits.mirroredBytes);
  }

  /** `closed` before `start` too. */
  get state(): 'connecting' | 'connected' | 'closed' {
    return this.#state === 'idle' ? 'closed' : this.#state;
  }

  /** Who answered; null while not connected. */
  get peer(): Hello | null {
    return this.#state === 'connected' ? (this.#connection?.hello ?? null) : null;
  }

  /** Before or after `start`, connected or not. One subscription per topic. Throws ERR_BAD_TOPIC, ERR_ALREADY_SUBSCRIBED. */
  subscribe<T>(topic: string, codec: Codec<T>, handlers: Handlers<T>): Subscription<T> {
    return this.#subscriptions.add(topic, codec, handlers);
  }

  /** Begins to dial, and never gives up. */
  start(): void {
    if (this.#state === 'closed') throw new PubsubError('ERR_CLOSED', 'a session that was closed can not start again');
    if (this.#state !== 'idle') return;
    this.#state = 'connecting';
    void this.#dial();
  }

  /** For good. What was published so far still goes out. */
  close(): void {
    if (this.#state === 'closed') return;
    const wasConnected = this.#state === 'connected';
    this.#state = 'closed';
    if (this.#retry) clearTimeout(this.#retry);
    this.#stopPinging();
    this.#connection?.close();
    if (wasConnected) this.#tell(() => this.emit('disconnected', 'the session was closed'));
  }

  async #dial(): Promise<void> {
    let wire: Wire;
    try {
      wire = await this.#options.connect();
    } catch (error) {
      this.#tryLater(reasonOf(error));
      return;
    }
    if (this.#state !== 'connecting') {
      wire.attach({ onBytes() {}, onDrain() {}, onClose() {} });
      wire.destroy();
      return;
    }
    this.#connection = new Connection(wire, this.#options.identity, {
      hub: this.#options.hub ?? null,
      limits: this.#limits,
      subscriptions: this.#subscriptions,
      log: this.#log,
      heard: () => this.#heard(),
      expect: hello => this.#options.expect?.(hello),
      greeted: hello => this.#greeted(hello),
      pong: count => this.#pong(count),
      ended: (reason, error) => this.#ended(reason, error),
    });
  }

  #heard(): void {
    this.lastHeard = performance.now();
    this.#isQuiet = false;
    this.missedPings = 0;
  }

  #greeted(hello: Hello): void {
    this.#state = 'connected';
    this.#connectedAt = performance.now();
    this.#lastProblem = '';
    this.#startPinging();
    this.#tell(() => this.emit('connected', hello));
  }

  #ended(reason: string, error: PubsubError | null): void {
    this.#connection = null;
    this.#stopPinging();
    if (error) this.#log.warn({ code: error.code, reason }, 'a pubsub connection was ended');
    if (error && isRefusal(error)) this.#tell(() => this.emit('refused', error));
    if (this.#state === 'closed') return;
    const wasConnected = this.#state === 'connected';
    this.#state = 'connecting';
    if (wasConnected) {
      if (performance.now() - this.#connectedAt >= STABLE_MS) this.#attempts = 0;
      this.#tell(() => this.emit('disconnected', reason));
    }
    this.#tryLater(reason);
  }

  #tryLater(problem: string): void {
    if (this.#state !== 'connecting') return; // closed, by a listener perhaps
    const { firstMs, maxMs } = this.#options.backoff ?? DEFAULT_BACKOFF;
    const delay =
      Math.min(maxMs, firstMs * 2 ** Math.min(this.#attempts, 30)) * (1 - JITTER + 2 * JITTER * Math.random());
    this.#attempts++;
    if (problem !== this.#lastProblem) this.#log.debug({ problem, delayMs: Math.round(delay) }, 'not connected');
    this.#lastProblem = problem;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.#dial();
    }, delay);
  }

  #startPinging(): void {
    this.missedPings = 0;
    this.#pingSent = null;
    this.#stopPinging = repeat(this.#options.pingIntervalMs ?? DEFAULT_PING_INTERVAL_MS, () => this.#ping());
  }

  /** At most one ping is under way: a side that hangs finds no heap of them when it wakes up. */
  #ping(): void {
    if (this.#pingSent !== null) {
      if (this.#isQuiet) this.missedPings++;
      this.#isQuiet = true;
      return;
    }
    this.#isQuiet = true;
    this.#pingCount = (this.#pingCount + 1) >>> 0;
    this.#pingSent = performance.now();
    this.#connection?.ping(this.#pingCount);
  }

  #pong(count: number): void {
    if (this.#pingSent === null || count !== this.#pingCount) return;
    const rttMs = performance.now() - this.#pingSent;
    this.#pingSent = null;
    this.#tell(() => this.emit('pong', rttMs));
  }

  /** What a listener throws is its own problem. */
  #tell(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      this.#log.error({ reason: reasonOf(error) }, 'a listener failed');
    }
  }
}

function isRefusal(error: PubsubError): boolean {
  return error.code === 'ERR_PROTOCOL_VERSION' || error.code === 'ERR_REFUSED';
}
