/** A ping without an answer. */
export interface LostPing {
  /** Unix milliseconds at which it had been sent, to some hundredths of a second. */
  at: number;
}

/** Sequence numbers have 16 bits. */
const WRAP = 0x10000;

/**
 * The books of a `ping -O -D`: what has been sent, answered, and, some time after it was sent, lost. A late answer is an answer.
 */
export class PingLedger {
  readonly #missing = new Map<number, number>();
  #highest = 0;
  #answered = 0;
  /** Unix milliseconds of the last answer. */
  lastReply = 0;
  /** Unix milliseconds of the last line: on a busy machine it is read late. */
  lastLine = 0;

  /** Takes a line of ping's. */
  read(line: string): void {
    const [, seconds, kind, sequence] =
      /^\[(\d+\.\d+)\] (?:\d+ bytes from .*?|(no answer yet) for )icmp_seq=(\d+)/.exec(line) ?? [];
    if (seconds === undefined) return;
    const at = Number(seconds) * 1000;
    this.lastLine = at;
    const number = this.#unwrap(Number(sequence));
    for (let skipped = this.#highest + 1; skipped < number; skipped += 1) this.#missing.set(skipped, at);
    const isNew = number > this.#highest;
    this.#highest = Math.max(this.#highest, number);
    if (kind !== undefined) {
      if (isNew) this.#missing.set(number, at);
      return;
    }
    this.lastReply = at;
    if (isNew || this.#missing.delete(number)) this.#answered += 1;
  }

  /** Takes out what was sent before a time and has no answer. */
  settle(before: number): LostPing[] {
    const lost = [...this.#missing].filter(([, at]) => at < before);
    for (const [number] of lost) this.#missing.delete(number);
    return lost.map(([, at]) => ({ at }));
  }

  get sent(): number {
    return this.#highest;
  }

  get answered(): number {
    return this.#answered;
  }

  #unwrap(sequence: number): number {
    const round = Math.round((this.#highest - sequence) / WRAP);
    return sequence + Math.max(0, round) * WRAP;
  }
}
