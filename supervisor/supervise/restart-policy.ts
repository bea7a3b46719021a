import type { SupervisionLimits } from '../../shared/config/supervision.ts';

/** So that a hundred managers that died of one cause don't come back in step. */
const JITTER = 0.2;

/** What follows a death: a restart after a delay, or `failed` until a late try. Milliseconds. */
export type Verdict = { kind: 'restart'; delay: number } | { kind: 'failed'; retry: number };

/** Decides when a manager that died comes back. Times are Unix milliseconds. */
export class RestartPolicy {
  readonly #limits: () => SupervisionLimits;
  readonly #random: () => number;
  /** Deaths that count, oldest first. */
  #recent: number[] = [];
  /** Restarts in a row that did not last. */
  #unstable = 0;
  /** It was failed: the next try is its only one. */
  #isOnProbation = false;

  /** `limits` in seconds, read anew each time; `random` from 0 to 1. */
  constructor(limits: () => SupervisionLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Judges a death. `readyAt`: since when it had been in service; null: it never was. */
  died(now: number, readyAt: number | null): Verdict {
    const limits = this.#limits();
    const served = readyAt === null ? 0 : now - readyAt;
    if (readyAt !== null && served >= limits.resetAfter * 1000) this.forgive();
    this.#recent = [...this.#recent, now].filter(at => now - at < limits.crashLoopWindow * 1000);
    const isStable = readyAt !== null && served >= limits.stableAfter * 1000;
    if (isStable) this.#isOnProbation = false;
    if (this.#isOnProbation || this.#recent.length > limits.crashLoopDeaths) {
      this.#isOnProbation = true;
      return { kind: 'failed', retry: limits.failedRetry * 1000 };
    }
    if (isStable) {
      this.#unstable = 0;
      return { kind: 'restart', delay: 0 };
    }
    // 2^30 is beyond any limit, and exact.
    const grown = limits.restartDelay * 1000 * 2 ** Math.min(this.#unstable, 30);
    this.#unstable += 1;
    const delay = Math.min(limits.restartDelayMax * 1000, grown);
    return { kind: 'restart', delay: delay * (1 - JITTER + 2 * JITTER * this.#random()) };
  }

  /** An operator or a new config gives it a fresh start. */
  forgive(): void {
    this.#recent = [];
    this.#unstable = 0;
    this.#isOnProbation = false;
  }
}
