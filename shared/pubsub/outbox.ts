import { CHUNK_BYTES } from './feed.ts';
import { turnOfLoop } from './turn.ts';
import type { Wire } from './wire.ts';

/**
 * What goes out on one wire, and is held while the wire is full. The first of a turn of the event loop is written as soon as what
 * runs has come to its end, what follows in the same turn is gathered into one write more: a single message waits for nothing, and
 * under load each turn has one write.
 */
export class Outbox {
  readonly #wire: Wire;
  readonly #beforeSend: () => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isFull = false;
  #isDue = false;
  #tick: NodeJS.Immediate | null = null;
  /** The turn of the last flush. */
  #turn = -1;

  /** `beforeSend` is called before what was added or asked for is sent, and may add more. */
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
    if (this.#isFull || this.#isDue) return;
    this.#isDue = true;
    if (this.#turn === turnOfLoop()) this.#tick = setImmediate(() => this.flush());
    else queueMicrotask(() => this.#isDue && this.flush());
  }

  flush(): void {
    this.#turn = turnOfLoop();
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
    this.#isDue = false;
    if (this.#tick) clearImmediate(this.#tick);
    this.#tick = null;
  }
}
