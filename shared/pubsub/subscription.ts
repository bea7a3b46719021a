import type { Log } from '../log/log.ts';
import type { Codec } from '../proto/messages.ts';
import { asPubsubError, reasonOf } from './errors.ts';
import type { MirrorBudget } from './limits.ts';

/**
 * What a subscriber is told. Values belong to the subscription: look, don't change. What a handler throws is logged, and the
 * subscription goes on.
 */
export interface Handlers<T> {
  created?(key: string, value: T): void;
  modified?(key: string, value: T, old: T): void;
  deleted?(key: string, old: T): void;
  /** `entries` is now what the publisher has; told again after every reconnect. */
  synchronized?(): void;
  /** The publishing agent's restart counter changed. */
  restarted?(count: number): void;
  /** The connection was lost or the topic withdrawn: `entries` is what was last heard. */
  stale?(): void;
}

/** Where the subscription table of a session or peer keeps it. */
export interface SubscriptionOwner {
  readonly log: Log;
  readonly budget: MirrorBudget;
  closed(subscription: Subscription<unknown>): void;
}

/** A mirror of one publication. */
export class Subscription<T> {
  readonly topic: string;
  readonly #codec: Codec<T>;
  readonly #handlers: Handlers<T>;
  readonly #owner: SubscriptionOwner;
  readonly #entries = new Map<string, T>();
  #state: 'pending' | 'synchronized' | 'stale' | 'closed' = 'pending';
  /** Keys from before that the snapshot under way has not named yet; null: no such snapshot. */
  #unnamed: Set<string> | null = null;
  #restartCount = 0;

  constructor(topic: string, codec: Codec<T>, handlers: Handlers<T>, owner: SubscriptionOwner) {
    this.topic = topic;
    this.#codec = codec;
    this.#handlers = handlers;
    this.#owner = owner;
  }

  get entries(): ReadonlyMap<string, T> {
    return this.#entries;
  }

  /** The snapshot is complete and the connection stands. */
  get synchronized(): boolean {
    return this.#state === 'synchronized';
  }

  /** It had been synchronized, but since then the connection was lost or the topic withdrawn. */
  get stale(): boolean {
    return this.#state === 'stale';
  }

  /** No handler is called from now on; `entries` stays readable. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#owner.closed(this as Subscription<unknown>);
  }

  /** @internal A snapshot may come. `sameProcess`: from the process that was heard before, whose restart counter goes on. */
  begin(sameProcess: boolean): void {
    if (!sameProcess) this.#restartCount = 0;
    this.#unnamed = this.#entries.size > 0 ? new Set(this.#entries.keys()) : null;
  }

  /** @internal */
  lose(): void {
    if (this.#state !== 'synchronized') return;
    this.#state = 'stale';
    this.#tell('stale', this.#handlers.stale);
  }

  /** @internal The value lies in `buffer`. Throws ERR_BAD_VALUE, ERR_TOO_MUCH. */
  update(key: string, buffer: Buffer, start: number, end: number): void {
    const value = this.#decode(key, buffer, start, end);
    const old = this.#entries.get(key);
    const isRepeated = this.#unnamed?.delete(key) === true && old !== undefined && this.#isSame(old, value);
    if (isRepeated) return;
    this.#owner.budget.take(this, key, end - start);
    this.#entries.set(key, value);
    if (old === undefined) this.#tell('created', this.#handlers.created, key, value);
    else this.#tell('modified', this.#handlers.modified, key, value, old);
  }

  /** @internal */
  delete(key: string): void {
    this.#unnamed?.delete(key);
    const old = this.#entries.get(key);
    if (old === undefined) return;
    this.#entries.delete(key);
    this.#owner.budget.release(this, key);
    this.#tell('deleted', this.#handlers.deleted, key, old);
  }

  /** @internal Drops all that was heard. */
  forget(): void {
    for (const key of [...this.#entries.keys()]) this.delete(key);
  }

  /** @internal The snapshot ends: what it did not name is gone. */
  complete(): void {
    const gone = this.#unnamed;
    this.#unnamed = null;
    for (const key of gone ?? []) this.delete(key);
    if (this.#state === 'closed') return;
    this.#state = 'synchronized';
    this.#tell('synchronized', this.#handlers.synchronized);
  }

  /** @internal */
  restarted(count: number): void {
    if (count === this.#restartCount) return;
    this.#restartCount = count;
    this.#tell('restarted', this.#handlers.restarted, count);
  }

  /** Compares what is known of the values here: a newer publisher's unknown fields are part of that. */
  #isSame(one: T, other: T): boolean {
    return Buffer.compare(this.#codec.encode(one), this.#codec.encode(other)) === 0;
  }

  #decode(key: string, buffer: Buffer, start: number, end: number): T {
    try {
      return this.#codec.read ? this.#codec.read(buffer, start, end) : this.#codec.decode(buffer.subarray(start, end));
    } catch (error) {
      throw asPubsubError(error, 'ERR_BAD_VALUE', `"${key}" of ${this.topic} is no ${this.#codec.messageType}`);
    }
  }

  #tell<A, B, C>(
    event: keyof Handlers<T>,
    handler: ((a: A, b: B, c: C) => unknown) | undefined,
    a?: A,
    b?: B,
    c?: C,
  ): void {
    if (!handler || this.#state === 'closed') return;
    try {
      const result = handler.call(this.#handlers, a as A, b as B, c as C);
      if (result instanceof Promise) result.catch(error => this.#report(event, error)); // an async function fits the type
    } catch (error) {
      this.#report(event, error);
    }
  }

  #report(event: string, error: unknown): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.#owner.log.error({ topic: this.topic, event, reason: reasonOf(error), stack }, 'a handler failed');
  }
}
