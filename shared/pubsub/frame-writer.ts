import { type Envelope, envelopeCodec, FrameType } from '../proto/messages.ts';
import { PubsubError } from './errors.ts';
import { MAX_FRAME_BYTES } from './limits.ts';

const EMPTY = new Uint8Array(0);
const NOTHING: Envelope = { type: 0, topic: '', key: '', value: EMPTY, count: 0, hello: null, error: null };

/** Field number and wire type of the envelope's fields, as protobuf writes them. */
const TAG_TYPE = '\x08';
const TAG_TOPIC = '\x12';
const TAG_KEY = '\x1a';
const TAG_VALUE = '\x22';

/** Any frame, length prefix included. For the few; updates go through TopicFrames. */
export function encodeFrame(fields: Partial<Envelope>): Buffer {
  const body = envelopeCodec.encode({ ...NOTHING, ...fields });
  return Buffer.concat([Buffer.from(varint(body.length), 'latin1'), body]);
}

/**
 * Writes the frames of one topic. UPDATE and DELETE are put together from texts with a character for each byte: type, topic, key,
 * value in that order, which is also what the generated encoder gives.
 */
export class TopicFrames {
  readonly topic: string;
  readonly #updateHead: string;
  readonly #deleteHead: string;

  constructor(topic: string) {
    this.topic = topic;
    this.#updateHead = head(FrameType.UPDATE, topic);
    this.#deleteHead = head(FrameType.DELETE, topic);
  }

  /** An UPDATE frame up to where its value of `valueBytes` begins. Throws ERR_FRAME_TOO_BIG. */
  lead(key: string, valueBytes: number): string {
    const valuePart = valueBytes === 0 ? '' : TAG_VALUE + varint(valueBytes);
    const body = this.#updateHead + keyPart(key) + valuePart;
    const length = body.length + valueBytes;
    if (length > MAX_FRAME_BYTES) {
      const problem = `"${key}" of ${this.topic} with ${valueBytes} bytes exceeds a frame's ${MAX_FRAME_BYTES} bytes`;
      throw new PubsubError('ERR_FRAME_TOO_BIG', problem);
    }
    return varint(length) + body;
  }

  /** A whole UPDATE frame. Throws ERR_FRAME_TOO_BIG. */
  update(key: string, value: Uint8Array): Buffer {
    return Buffer.concat([Buffer.from(this.lead(key, value.length), 'latin1'), value]);
  }

  delete(key: string): Buffer {
    const body = this.#deleteHead + keyPart(key);
    return Buffer.from(varint(body.length) + body, 'latin1');
  }

  complete(): Buffer {
    return encodeFrame({ type: FrameType.COMPLETE, topic: this.topic });
  }

  restarted(count: number): Buffer {
    return encodeFrame({ type: FrameType.RESTARTED, topic: this.topic, count });
  }
}

function head(type: number, topic: string): string {
  return TAG_TYPE + String.fromCharCode(type) + TAG_TOPIC + varint(topic.length) + topic; // ASCII: `topicName` saw to it
}

function keyPart(key: string): string {
  const bytes = Buffer.byteLength(key) === key.length ? key : Buffer.from(key).toString('latin1');
  return TAG_KEY + varint(bytes.length) + bytes;
}

/** One character for each byte. */
function varint(n: number): string {
  let text = '';
  let rest = n;
  while (rest >= 0x80) {
    text += String.fromCharCode((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return text + String.fromCharCode(rest);
}
