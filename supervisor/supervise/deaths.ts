/** Why a manager's process ended. `exit`, `signal`, `spawn`, `unknown`: by itself or by others. The rest: by the supervisor. */
export type DeathCause =
  | 'exit'
  | 'signal'
  | 'spawn'
  | 'unknown'
  | 'readiness'
  | 'watchdog'
  | 'memory'
  | 'operator'
  | 'upgrade';

export interface Death {
  /** Unix milliseconds. */
  at: number;
  pid: number;
  cause: DeathCause;
  /** In words: the exit code, the signal, what did not happen in time. */
  detail: string;
  /** Milliseconds from its start, or its adoption, on. */
  ran: number;
  /** The end of its log, oldest line first. */
  log: string[];
}

/** So many are kept: enough to see a pattern. */
const KEPT = 20;

/** The deaths of one manager: all are counted by cause, the last ones kept. */
export class Deaths {
  readonly counts: Partial<Record<DeathCause, number>> = {};
  #kept: Death[] = [];

  add(death: Death): void {
    this.counts[death.cause] = (this.counts[death.cause] ?? 0) + 1;
    this.#kept = [...this.#kept, death].slice(-KEPT);
  }

  /** Newest last. */
  get kept(): readonly Death[] {
    return this.#kept;
  }
}
