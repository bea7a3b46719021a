import { type Envelope, envelopeCodec, FrameType } from '../proto/messages.ts';
import { asPubsubError, PubsubError } from './errors.ts';
import { checkKey } from './topic.ts';

/** Where decoded frames go. `value` lies in the buffer that was read. */
export interface FrameSink {
  update(topic: string, key: string, value: Uint8Array): void;
  delete(topic: string, key: string): void;
  /** Any other frame. */
  control(envelope: Envelope): void;
}

const EMPTY = new Uint8Array(0);

/**
 * Decodes envelopes. UPDATE and DELETE frames in the layout that TopicFrames writes are read in place, without an object for the
 * envelope and with the topic's text kept from the frame before; whatever looks different goes through the generated code.
 */
export class FrameDecoder {
  #topic = '';
  #topicBytes = Buffer.alloc(0);

  /** Throws ERR_MALFORMED or ERR_BAD_KEY, and whatever the sink throws. */
  decode(buffer: Buffer, start: number, end: number, sink: FrameSink): void {
    if (this.#inPlace(buffer, start, end, sink)) return;
    let envelope: Envelope;
    try {
      envelope = envelopeCodec.decode(buffer.subarray(start, end));
    } catch (error) {
      throw asPubsubError(error, 'ERR_MALFORMED', 'a frame is no envelope');
    }
    const { type, topic, key } = envelope;
    if (type === FrameType.FRAME_NONE) throw new PubsubError('ERR_MALFORMED', 'a frame has no type');
    if (type !== FrameType.UPDATE && type !== FrameType.DELETE) {
      sink.control(envelope);
      return;
    }
    checkKey(key);
    if (type === FrameType.UPDATE) sink.update(topic, key, envelope.value);
    else sink.delete(topic, key);
  }

  /** False: not that layout, and nothing was done. */
  #inPlace(buffer: Buffer, start: number, end: number, sink: FrameSink): boolean {
    const type = buffer[start + 1];
    if (buffer[start] !== 0x08 || (type !== FrameType.UPDATE && type !== FrameType.DELETE)) return false;
    const topicLength = buffer[start + 3]!;
    const keyAt = start + 4 + topicLength;
    if (buffer[start + 2] !== 0x12 || topicLength >= 0x80 || keyAt + 2 > end || buffer[keyAt] !== 0x1a) return false;
    const keyLength = buffer[keyAt + 1]!;
    const keyStart = keyAt + 2;
    const keyEnd = keyStart + keyLength;
    // Up to two characters may be "." or "..", which is for checkKey to tell.
    if (keyLength < 3 || keyLength >= 0x80 || keyEnd > end || !isPlain(buffer, keyStart, keyEnd)) return false;
    let value: Uint8Array = EMPTY;
    if (keyEnd !== end) {
      const valueStart = valueOffset(buffer, keyEnd, end);
      if (valueStart < 0 || type === FrameType.DELETE) return false;
      value = buffer.subarray(valueStart, end);
    }
    const topic = this.#readTopic(buffer, start + 4, keyAt);
    if (topic === null) return false;
    const key = buffer.toString('latin1', keyStart, keyEnd);
    if (type === FrameType.UPDATE) sink.update(topic, key, value);
    else sink.delete(topic, key);
    return true;
  }

  #readTopic(buffer: Buffer, start: number, end: number): string | null {
    const known = this.#topicBytes;
    if (end - start === known.length) {
      let i = 0;
      while (i < known.length && known[i] === buffer[start + i]) i++;
      if (i === known.length) return this.#topic;
    }
    for (let i = start; i < end; i++) if (buffer[i]! >= 0x80) return null;
    this.#topicBytes = Buffer.from(buffer.subarray(start, end));
    this.#topic = buffer.toString('latin1', start, end);
    return this.#topic;
  }
}

/** Printable ASCII without a slash: one byte is one character and no further check is needed. */
function isPlain(buffer: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = buffer[i]!;
    if (byte < 0x20 || byte >= 0x7f || byte === 0x2f) return false;
  }
  return true;
}

/** Where the value starts if field 4 begins at `at` and reaches exactly to `end`, else -1. */
function valueOffset(buffer: Buffer, at: number, end: number): number {
  if (buffer[at] !== 0x22) return -1;
  let position = at + 1;
  let length = 0;
  for (let shift = 0; shift < 28 && position < end; shift += 7) {
    const byte = buffer[position++]!;
    length += (byte & 0x7f) << shift;
    if (byte < 0x80) return position + length === end ? position : -1;
  }
  return -1;
}
