import { PubsubError } from './errors.ts';
import { MAX_FRAME_BYTES } from './limits.ts';

/** 7 bits each: four bytes hold any length up to 256 MiB, so a fifth one means too big. */
const MAX_PREFIX_BYTES = 4;
const FIRST_ALLOCATION = 64 * 1024;

/** Called with each whole envelope; the bytes are never written again. False: read no further. */
export type OnFrame = (buffer: Buffer, start: number, end: number) => boolean;

/**
 * Cuts a stream of bytes into frames: a varint length, then so many bytes. Frames that lie in one chunk are handed on where they
 * are; only a frame that is spread over chunks is put together, in memory that grows with what came, not with what was promised.
 */
export class FrameReader {
  readonly #maxBytes: number;
  #length = 0;
  #prefixBytes = 0;
  /** The frame whose body is being collected; null: a prefix is being read. */
  #partial: Buffer | null = null;
  #filled = 0;

  constructor(maxBytes: number = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Throws ERR_FRAME_TOO_BIG or ERR_MALFORMED; it is useless from then on. */
  push(chunk: Buffer, onFrame: OnFrame): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#partial) {
        at = this.#collect(chunk, at);
        if (this.#filled < this.#length) return;
        const frame = this.#partial;
        this.#reset();
        if (!onFrame(frame, 0, this.#filled)) return;
        continue;
      }
      if (!this.#readPrefix(chunk[at++]!)) continue;
      const end = at + this.#length;
      if (end > chunk.length) {
        this.#partial = Buffer.allocUnsafe(Math.min(this.#length, Math.max(FIRST_ALLOCATION, chunk.length - at)));
        this.#filled = 0;
      } else {
        this.#reset();
        if (!onFrame(chunk, at, end)) return;
        at = end;
      }
    }
  }

  /** True when the prefix is complete. */
  #readPrefix(byte: number): boolean {
    this.#length += (byte & 0x7f) << (7 * this.#prefixBytes); // four bytes fill 28 bits
    this.#prefixBytes++;
    const more = byte >= 0x80;
    if (this.#length > this.#maxBytes || (more && this.#prefixBytes === MAX_PREFIX_BYTES)) {
      throw new PubsubError('ERR_FRAME_TOO_BIG', `a frame is longer than ${this.#maxBytes} bytes`);
    }
    if (!more && this.#length === 0) throw new PubsubError('ERR_MALFORMED', 'a frame is empty');
    return !more;
  }

  #collect(chunk: Buffer, at: number): number {
    const take = Math.min(chunk.length - at, this.#length - this.#filled);
    let partial = this.#partial!;
    if (this.#filled + take > partial.length) {
      const size = Math.min(this.#length, Math.max(2 * partial.length, this.#filled + take));
      const bigger = Buffer.allocUnsafe(size);
      partial.copy(bigger, 0, 0, this.#filled);
      this.#partial = partial = bigger;
    }
    chunk.copy(partial, this.#filled, at, at + take);
    this.#filled += take;
    return at + take;
  }

  #reset(): void {
    this.#partial = null;
    this.#length = 0;
    this.#prefixBytes = 0;
  }
}
