import { type Envelope, envelopeCodec, FrameType } from '../proto/messages.ts';
import { textCache } from '../proto/text-cache.ts';
import { asPubsubError, PubsubError } from './errors.ts';
import { checkKey } from './topic.ts';

/** Where decoded frames go. */
export interface FrameSink {
  /** The value lies in `buffer`, from `start` to before `end`. */
  update(topic: string, key: string, buffer: Buffer, start: number, end: number): void;
  delete(topic: string, key: string): void;
  /** Any other frame. */
  control(envelope: Envelope): void;
}

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
    const value = Buffer.from(envelope.value);
    if (type === FrameType.UPDATE) sink.update(topic, key, value, 0, value.length);
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
    if (keyLength < 3 || keyLength >= 0x80 || keyEnd > end) return false;
    const valueStart = keyEnd === end ? end : valueOffset(buffer, keyEnd, end);
    if (valueStart < 0 || (type === FrameType.DELETE && keyEnd !== end)) return false;
    const topic = this.#readTopic(buffer, start + 4, keyAt);
    const key = textCache.read(buffer, keyStart, keyEnd); // printable ASCII: but for a slash there is no more to check
    if (topic === null || key === null || key.includes('/')) return false;
    if (type === FrameType.UPDATE) sink.update(topic, key, buffer, valueStart, end);
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
