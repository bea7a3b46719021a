import { type Envelope, envelopeCodec, FrameType } from '../proto/messages.ts';
import { PubsubError } from './errors.ts';
import { MAX_FRAME_BYTES } from './frame-reader.ts';

const EMPTY = new Uint8Array(0);
const NOTHING: Envelope = { type: 0, topic: '', key: '', value: EMPTY, count: 0, hello: null, error: null };

/** Field number and wire type of the envelope's fields, as protobuf writes them. */
const TAG_TYPE = 0x08;
const TAG_TOPIC = 0x12;
const TAG_KEY = 0x1a;
const TAG_VALUE = 0x22;

/** Any frame, length prefix included. For the few; updates go through TopicFrames. */
export function encodeFrame(fields: Partial<Envelope>): Buffer {
  const body = envelopeCodec.encode({ ...NOTHING, ...fields });
  const frame = Buffer.allocUnsafe(varintLength(body.length) + body.length);
  frame.set(body, writeVarint(frame, 0, body.length));
  return frame;
}

/**
 * Writes the frames of one topic. UPDATE and DELETE are written straight into one buffer of their size: type, topic, key, value
 * in that order, which is also what the generated encoder gives.
 */
export class TopicFrames {
  readonly topic: string;
  readonly #updateHead: Buffer;
  readonly #deleteHead: Buffer;

  constructor(topic: string) {
    this.topic = topic;
    this.#updateHead = head(FrameType.UPDATE, topic);
    this.#deleteHead = head(FrameType.DELETE, topic);
  }

  /** Throws ERR_FRAME_TOO_BIG. */
  update(key: string, value: Uint8Array): Buffer {
    return this.#write(this.#updateHead, key, value);
  }

  delete(key: string): Buffer {
    return this.#write(this.#deleteHead, key, EMPTY);
  }

  complete(): Buffer {
    return encodeFrame({ type: FrameType.COMPLETE, topic: this.topic });
  }

  restarted(count: number): Buffer {
    return encodeFrame({ type: FrameType.RESTARTED, topic: this.topic, count });
  }

  #write(front: Buffer, key: string, value: Uint8Array): Buffer {
    const keyLength = Buffer.byteLength(key);
    const valuePart = value.length === 0 ? 0 : 1 + varintLength(value.length) + value.length;
    const body = front.length + 1 + varintLength(keyLength) + keyLength + valuePart;
    if (body > MAX_FRAME_BYTES) {
      const problem = `"${key}" of ${this.topic} with ${value.length} bytes exceeds a frame's ${MAX_FRAME_BYTES} bytes`;
      throw new PubsubError('ERR_FRAME_TOO_BIG', problem);
    }
    const frame = Buffer.allocUnsafe(varintLength(body) + body);
    let at = writeVarint(frame, 0, body);
    frame.set(front, at);
    at += front.length;
    frame[at++] = TAG_KEY;
    at = writeVarint(frame, at, keyLength);
    at += frame.write(key, at, 'utf8');
    if (valuePart > 0) {
      frame[at++] = TAG_VALUE;
      at = writeVarint(frame, at, value.length);
      frame.set(value, at);
    }
    return frame;
  }
}

function head(type: number, topic: string): Buffer {
  const name = Buffer.from(topic);
  const front = Buffer.alloc(3 + varintLength(name.length));
  front[0] = TAG_TYPE;
  front[1] = type;
  front[2] = TAG_TOPIC;
  writeVarint(front, 3, name.length);
  return Buffer.concat([front, name]);
}

function varintLength(n: number): number {
  if (n < 0x80) return 1;
  if (n < 0x4000) return 2;
  return n < 0x200000 ? 3 : 4;
}

/** Gives the offset behind it. */
function writeVarint(buffer: Buffer, at: number, n: number): number {
  let position = at;
  let rest = n;
  while (rest >= 0x80) {
    buffer[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
}
