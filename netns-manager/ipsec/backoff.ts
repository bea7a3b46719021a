export interface BackoffOptions {
  /** Milliseconds before the second try; the first is at once. */
  firstMs: number;
  maxMs: number;
  /** Success for so long makes the next try one without delay. */
  stableMs: number;
}

/** So that many devices which lost the same peer don't come back in step. */
const JITTER = 0.2;

/** When to try again: at once after a stable time, else with delays that double up to a limit, +-20 %. */
export class Backoff {
  readonly #options: BackoffOptions;
  #tries = 0;
  /** Unix milliseconds from which on a try is due. */
  #dueAt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  get dueAt(): number {
    return this.#dueAt;
  }

  /** Since it last worked. */
  get tries(): number {
    return this.#tries;
  }

  isDue(now: number): boolean {
    return now >= this.#dueAt;
  }

  /** Notes a try. */
  tried(now: number): void {
    const { firstMs, maxMs } = this.#options;
    const delay = Math.min(maxMs, firstMs * 2 ** this.#tries);
    this.#tries += 1;
    this.#dueAt = now + delay * (1 - JITTER + 2 * JITTER * Math.random());
  }

  /** Notes that what was tried works, since when. */
  works(since: number, now: number): void {
    if (now - since < this.#options.stableMs) return;
    this.#tries = 0;
    this.#dueAt = 0;
  }

  /** The next try is due at once: its conditions are new. */
  reset(): void {
    this.#tries = 0;
    this.#dueAt = 0;
  }
}
