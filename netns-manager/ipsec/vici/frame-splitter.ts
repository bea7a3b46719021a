import { ViciProtocolError } from './errors.ts';
import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from './packet.ts';

/** Cuts a byte stream into frames: four bytes of length, then so many bytes. Holds one incomplete frame at most. */
export class FrameSplitter {
  #chunks: Buffer[] = [];
  #length = 0;

  /** The frames that a chunk completes, without their lengths. Throws ViciProtocolError when one would be too long. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Buffer[] = [];
    for (;;) {
      if (this.#length < FRAME_HEADER_BYTES) return frames;
      const size = this.#join(FRAME_HEADER_BYTES).readUInt32BE();
      if (size > MAX_FRAME_BYTES) {
        throw new ViciProtocolError(`a frame says that it has ${size} bytes, ${MAX_FRAME_BYTES} are allowed`);
      }
      const end = FRAME_HEADER_BYTES + size;
      if (this.#length < end) return frames;
      const bytes = this.#join(end);
      frames.push(bytes.subarray(FRAME_HEADER_BYTES, end));
      this.#chunks[0] = bytes.subarray(end);
      this.#length -= end;
    }
  }

  /** The first chunk, made so long that it holds a number of bytes. */
  #join(length: number): Buffer {
    const first = this.#chunks[0]!;
    if (first.length >= length) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
