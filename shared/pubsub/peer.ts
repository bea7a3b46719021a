import { EventEmitter } from 'node:events';
import { type Log, silentLog } from '../log/log.ts';
import type { Codec, Hello } from '../proto/messages.ts';
import { Connection } from './connection.ts';
import { type PubsubError, reasonOf } from './errors.ts';
import type { Hub } from './hub.ts';
import type { Identity } from './identity.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import type { Handlers, Subscription } from './subscription.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Wire } from './wire.ts';

export interface AcceptOptions {
  /** What the other side may subscribe to. */
  hub: Hub;
  identity: Identity;
  log?: Log;
  /** Throws to refuse whoever said this hello. */
  expect?: (hello: Hello) => void;
  /** What the other side may cost; what is not said is the default. */
  limits?: Partial<Limits>;
}

export interface PeerEvents {
  /** The other side has introduced itself. */
  hello: [hello: Hello];
  /** Told once, also when there was never a hello. */
  closed: [reason: string];
}

/** The accepting side of one connection. It may subscribe too; its subscriptions end with the connection. */
export class Peer extends EventEmitter<PeerEvents> {
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #log: Log;
  #isClosed = false;

  constructor(wire: Wire, options: AcceptOptions) {
    super();
    const log = options.log ?? silentLog;
    this.#log = log;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#subscriptions = new Subscriptions(log, limits.mirroredBytes);
    this.#connection = new Connection(wire, options.identity, {
      hub: options.hub,
      limits,
      subscriptions: this.#subscriptions,
      log,
      heard: () => {},
      pong: () => {},
      expect: hello => options.expect?.(hello),
      greeted: hello => this.#tell(() => this.emit('hello', hello)),
      ended: (reason, error) => this.#ended(reason, error),
    });
  }

  /** Null until the other side has introduced itself. */
  get hello(): Hello | null {
    return this.#connection.hello;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Throws ERR_BAD_TOPIC, ERR_ALREADY_SUBSCRIBED. */
  subscribe<T>(topic: string, codec: Codec<T>, handlers: Handlers<T>): Subscription<T> {
    return this.#subscriptions.add(topic, codec, handlers);
  }

  /** Ends the connection after what was published so far. */
  close(): void {
    this.#connection.close();
  }

  /** Ends it now. */
  destroy(): void {
    this.#connection.destroy();
  }

  #ended(reason: string, error: PubsubError | null): void {
    this.#isClosed = true;
    const agent = this.hello?.agent;
    if (error) this.#log.warn({ agent, code: error.code, reason }, 'a pubsub connection was ended');
    else this.#log.debug({ agent, reason }, 'a pubsub connection ended');
    this.#tell(() => this.emit('closed', reason));
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

/** Serves pubsub on a wire that somebody else accepted. */
export function acceptWire(wire: Wire, options: AcceptOptions): Peer {
  return new Peer(wire, options);
}
