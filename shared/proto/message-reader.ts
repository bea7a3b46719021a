import protobuf from 'protobufjs/minimal.js';
import { textCache } from './text-cache.ts';

/** From here on the library's own decoder is the fastest. */
const LONG_TEXT_BYTES = 1024;
const MAX_VARINT_BYTES = 10;
const NOTHING = Buffer.alloc(0);

/**
 * Reads messages, one after the other: what the library's reader does, but texts come from a cache or in one piece (its own join
 * pieces of eight characters, which take several times the memory as long as the message is kept), and bytes are copied, or a
 * few of them would hold all that was read together.
 */
export class MessageReader extends protobuf.Reader {
  constructor() {
    super(NOTHING);
  }

  /** Begins with another message, which lies there. */
  over(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.buf = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = start;
    this.len = end;
    return this;
  }

  /** Lets go of the message's memory. */
  release(): void {
    this.buf = NOTHING;
  }

  override stringVerify(): string {
    const before = this.pos;
    const length = this.size();
    const start = this.pos;
    const end = start + length;
    if (end <= this.len) {
      const buffer = this.buf as Buffer;
      const text = textCache.read(buffer, start, end) ?? plainText(buffer, start, end);
      if (text !== null) {
        this.pos = end;
        return text;
      }
    }
    this.pos = before;
    return super.stringVerify();
  }

  /** Without an object for its halves. Exact up to 2^53, as all that is sent. */
  override uint64(): ReturnType<protobuf.Reader['uint64']> {
    const { buf, len } = this;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.pos >= len) throw new RangeError(`a number reaches beyond the end of its message, byte ${len}`);
      const byte = buf[this.pos++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value as never; // declared as an object, which `numbers.ts` rules out
      scale *= 0x80;
    }
    throw new Error('a number has more than 10 bytes');
  }

  override raw(start: number, end: number): Uint8Array {
    return Buffer.from(this.buf.subarray(start, end));
  }
}

/** null: empty, too long, or not only ASCII. */
function plainText(buffer: Buffer, start: number, end: number): string | null {
  if (end === start || end - start > LONG_TEXT_BYTES) return null;
  for (let i = start; i < end; i++) if (buffer[i]! >= 0x80) return null;
  return buffer.toString('latin1', start, end);
}
