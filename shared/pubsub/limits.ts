import { PubsubError } from './errors.ts';

/** What the other side of a connection may cost this one at most: it may have been taken over. */
export interface Limits {
  /** The biggest envelope that is accepted, without its length prefix. */
  frameBytes: number;
  /** Of the other side, on one connection. */
  subscriptions: number;
  /** What is kept of the other side's publications, all topics together. */
  mirroredBytes: number;
}

/** The biggest envelope that is sent, or accepted where nobody says less. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  frameBytes: MAX_FRAME_BYTES,
  /** The API's clients subscribe to seven topics of each of 1000 network instances. */
  subscriptions: 16_384,
  mirroredBytes: Number.POSITIVE_INFINITY,
};

/** A key costs that much beside its bytes: many empty messages are not for nothing. */
const ENTRY_BYTES = 256;

/** Counts what all subscriptions of one session keep. */
export class MirrorBudget {
  readonly #limit: number;
  readonly #sizes = new Map<object, Map<string, number>>();
  #used = 0;
  /** More came than may be kept. */
  isExceeded = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A subscription is going to keep a message instead of what it has under the key. Throws ERR_TOO_MUCH. */
  take(subscription: object, key: string, bytes: number): void {
    if (this.#limit === Number.POSITIVE_INFINITY) return;
    const sizes = this.#sizes.get(subscription) ?? new Map<string, number>();
    const size = ENTRY_BYTES + key.length + bytes;
    const used = this.#used - (sizes.get(key) ?? 0) + size;
    if (used > this.#limit) {
      this.isExceeded = true;
      throw new PubsubError('ERR_TOO_MUCH', `more than ${this.#limit} bytes were published to one subscriber`);
    }
    this.#used = used;
    this.#sizes.set(subscription, sizes.set(key, size));
  }

  /** A subscription keeps nothing under the key any more. */
  release(subscription: object, key: string): void {
    const sizes = this.#sizes.get(subscription);
    this.#used -= sizes?.get(key) ?? 0;
    sizes?.delete(key);
  }

  /** It keeps nothing at all any more. */
  forget(subscription: object): void {
    for (const size of this.#sizes.get(subscription)?.values() ?? []) this.#used -= size;
    this.#sizes.delete(subscription);
  }
}
