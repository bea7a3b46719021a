import type { FlowBatch, FlowRecord } from '../../shared/proto/messages.ts';

export const BATCH_SLOTS = 8;
/** As in EVE: a batch fits into one message of any transport. */
export const BATCH_RECORDS = 125;
/** What the ring can show; keeping more would only be overwritten. */
const MAX_PENDING = BATCH_SLOTS * BATCH_RECORDS;

/** Collects flow records and publishes them in a ring of batches: state, not a queue. Its memory is bounded. */
export class BatchRing {
  readonly #publish: (key: string, batch: FlowBatch) => void;
  #pending: FlowRecord[] = [];
  #sequence: number;
  #lost = 0;

  /** `firstSequence` must be higher than any that an earlier process used: the clock. */
  constructor(publish: (key: string, batch: FlowBatch) => void, firstSequence = Date.now()) {
    this.#publish = publish;
    this.#sequence = firstSequence;
  }

  /** Records that were thrown away since the start because too many came between two flushes. */
  get lost(): number {
    return this.#lost;
  }

  add(record: FlowRecord): void {
    this.#pending.push(record);
    // In one go instead of a shift per record, which would cost O(n) each.
    if (this.#pending.length >= 2 * MAX_PENDING) this.#trim();
  }

  /** Publishes what has come since the last call. */
  flush(): void {
    this.#trim();
    const records = this.#pending;
    this.#pending = [];
    for (let from = 0; from < records.length; from += BATCH_RECORDS) {
      const sequence = this.#sequence++;
      this.#publish(String(sequence % BATCH_SLOTS), { sequence, flows: records.slice(from, from + BATCH_RECORDS) });
    }
  }

  #trim(): void {
    const excess = this.#pending.length - MAX_PENDING;
    if (excess <= 0) return;
    this.#pending = this.#pending.slice(excess);
    this.#lost += excess;
  }
}
