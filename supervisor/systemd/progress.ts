/** The longest step of a pass ends long before: each has time limits of its own. */
const STUCK_MS = 120_000;

/** Tells whether work that was begun gets on. */
export class Progress {
  readonly #now: () => number;
  /** Of the last step; null: nothing is being done. */
  #at: number | null = null;

  /** `now`: milliseconds in which the device did not sleep. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  step(): void {
    this.#at = this.#now();
  }

  end(): void {
    this.#at = null;
  }

  get isMoving(): boolean {
    return this.#at === null || this.#now() - this.#at < STUCK_MS;
  }
}
