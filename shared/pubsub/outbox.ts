import { CHUNK_BYTES } from './feed.ts';
import type { Wire } from './wire.ts';

/** What goes out on one wire: gathered over a turn of the event loop into one write, and held while the wire is full. */
export class Outbox {
  readonly #wire: Wire;
  readonly #beforeSend: () => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isFull = false;
  #tick: NodeJS.Immediate | null = null;

  /** `beforeSend` is called at the end of a turn in which something was added or asked for, and may add more. */
  constructor(wire: Wire, beforeSend: () => void) {
    this.#wire = wire;
    this.#beforeSend = beforeSend;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Bytes that wait in here. */
  get size(): number {
    return this.#bytes;
  }

  add(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= CHUNK_BYTES) this.#send();
    else this.schedule();
  }

  schedule(): void {
    if (!this.#isFull) this.#tick ??= setImmediate(() => this.flush());
  }

  flush(): void {
    this.#beforeSend();
    this.#cancel(); // not sooner: what is added meanwhile would ask for another turn
    this.#send();
  }

  /** The wire has room again. */
  drained(): void {
    this.#isFull = false;
    this.flush();
  }

  /** Sends what is left, full or not, and nothing ever after. */
  end(): void {
    this.#cancel();
    this.#isFull = false;
    this.#send();
    this.#isFull = true;
  }

  #send(): void {
    if (this.#isFull || this.#chunks.length === 0) return;
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    this.#isFull = !this.#wire.send(bytes);
  }

  #cancel(): void {
    if (this.#tick) clearImmediate(this.#tick);
    this.#tick = null;
  }
}
