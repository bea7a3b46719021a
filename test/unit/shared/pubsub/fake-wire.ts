import type { Wire, WireEvents } from '../../../../shared/pubsub/wire.ts';

export interface FakeWireOptions {
  latencyMs?: number;
  /** Bytes under way in one direction before `send` says that it is full. */
  capacity?: number;
  /** How many of the bytes that are due arrive in one piece; default all. */
  cut?: (due: number) => number;
}

/** One end of a wire without a kernel: `setTimeout` is all it needs, so mocked timers drive it. */
export class FakeWire implements Wire {
  /** What went through here, for tests that look at frames. */
  readonly sent: Buffer[] = [];
  other: FakeWire | null = null;
  /** Set: nothing is delivered to the other end, as if it did not read. */
  stalled = false;
  maxQueued = 0;
  writes = 0;
  readonly #options: Required<FakeWireOptions>;
  #events: WireEvents | null = null;
  #queue: Buffer[] = [];
  #queued = 0;
  #wasFull = false;
  #ending = false;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: FakeWireOptions) {
    this.#options = { latencyMs: 1, capacity: Number.POSITIVE_INFINITY, cut: due => due, ...options };
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  attach(events: WireEvents): void {
    this.#events = events;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending) return true;
    const copy = Buffer.from(bytes);
    this.writes++;
    this.sent.push(copy);
    this.#queue.push(copy);
    this.#queued += copy.length;
    this.maxQueued = Math.max(this.maxQueued, this.#queued);
    this.#wasFull ||= this.#queued > this.#options.capacity;
    this.#deliverLater();
    return !this.#wasFull;
  }

  close(): void {
    this.#ending = true;
    this.#deliverLater();
  }

  destroy(): void {
    this.#queue = [];
    this.#ending = true;
    setTimeout(() => this.#end(), 0);
  }

  /** Delivery goes on. */
  resume(): void {
    this.stalled = false;
    this.#deliverLater();
  }

  /** Delivers within this very turn of the event loop. */
  deliverNow(): void {
    this.#deliver();
  }

  /** Bytes from nowhere. */
  inject(bytes: Uint8Array): void {
    if (!this.#closed) this.#events?.onBytes(bytes);
  }

  #deliverLater(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = null;
        this.#deliver();
      },
      Math.max(1, this.#options.latencyMs),
    );
  }

  #deliver(): void {
    if (this.stalled || this.#closed) return;
    if (this.other && !this.other.#events) {
      this.#deliverLater(); // held until somebody is there
      return;
    }
    const all = Buffer.concat(this.#queue);
    const take = Math.max(Math.min(1, all.length), Math.min(all.length, this.#options.cut(all.length)));
    this.#queue = take < all.length ? [all.subarray(take)] : [];
    this.#queued = all.length - take;
    // A copy, so that a reader that holds on to what it read is found out by the next line.
    const piece = Buffer.from(all.subarray(0, take));
    if (take > 0) this.other?.inject(piece);
    if (this.#wasFull && this.#queued <= this.#options.capacity / 2) {
      this.#wasFull = false;
      if (!this.#closed) this.#events?.onDrain();
    }
    if (this.#queue.length > 0) this.#deliverLater();
    else if (this.#ending) this.#end();
  }

  #end(): void {
    for (const wire of [this, this.other]) {
      if (!wire || wire.#closed) continue;
      wire.#closed = true;
      if (wire.#timer) clearTimeout(wire.#timer);
      wire.#queue = [];
      wire.#events?.onClose();
    }
  }
}

/** Two ends. */
export function wirePair(options: FakeWireOptions = {}): [FakeWire, FakeWire] {
  const one = new FakeWire(options);
  const two = new FakeWire(options);
  one.other = two;
  two.other = one;
  return [one, two];
}
