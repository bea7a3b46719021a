import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Envelope, envelopeCodec, FrameType } from '../../../../shared/proto/messages.ts';
import { FrameDecoder, type FrameSink } from '../../../../shared/pubsub/frame-decoder.ts';
import { FrameReader } from '../../../../shared/pubsub/frame-reader.ts';
import { encodeFrame, TopicFrames } from '../../../../shared/pubsub/frame-writer.ts';
import { PubsubError } from '../../../../shared/pubsub/index.ts';
import { MAX_FRAME_BYTES } from '../../../../shared/pubsub/limits.ts';
import { checkKey } from '../../../../shared/pubsub/topic.ts';

const isKey = (key: string) => {
  try {
    checkKey(key);
    return true;
  } catch {
    return false;
  }
};
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/);
const topic = fc.tuple(name, name, fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,62}$/)).map(parts => parts.join('/'));
const key = fc
  .oneof(fc.string({ minLength: 1, maxLength: 60 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }))
  .filter(isKey);
const value = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  fc.constant(new Uint8Array(70_000)),
);
const frame = fc.oneof(
  fc.tuple(topic, key, value).map(([t, k, v]) => new TopicFrames(t).update(k, v)),
  fc.tuple(topic, key).map(([t, k]) => new TopicFrames(t).delete(k)),
  topic.map(t => new TopicFrames(t).complete()),
  fc.tuple(topic, fc.nat()).map(([t, n]) => new TopicFrames(t).restarted(n)),
  fc.nat().map(count => encodeFrame({ type: FrameType.PING, count })),
);

/** Cuts a buffer at the given fractions of its length. */
function cutAt(buffer: Buffer, fractions: number[]): Buffer[] {
  const places = [...new Set([0, ...fractions.map(f => Math.floor(f * buffer.length)), buffer.length])].sort(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, i) => Buffer.from(buffer.subarray(places[i], end)));
}

function read(chunks: Buffer[]): string[] {
  const frames: string[] = [];
  const reader = new FrameReader();
  for (const chunk of chunks) {
    reader.push(chunk, (buffer, start, end) => {
      frames.push(buffer.toString('hex', start, end));
      return true;
    });
  }
  return frames;
}

/** What the decoder makes of one frame's body. */
function decode(body: Uint8Array, decoder = new FrameDecoder()): unknown {
  let seen: unknown = 'nothing';
  const sink: FrameSink = {
    update: (t, k, bytes, start, end) =>
      (seen = { type: FrameType.UPDATE, topic: t, key: k, value: bytes.toString('hex', start, end) }),
    delete: (t, k) => (seen = { type: FrameType.DELETE, topic: t, key: k }),
    control: envelope => (seen = plain(envelope)),
  };
  // In the middle of something else, as in life.
  const buffer = Buffer.concat([Buffer.from([7, 7]), body, Buffer.from([0x22, 7])]);
  decoder.decode(buffer, 2, 2 + body.length, sink);
  return seen;
}

function plain(envelope: Envelope): unknown {
  const { type, topic: t, key: k, value: v, count } = envelope;
  if (type === FrameType.UPDATE) return { type, topic: t, key: k, value: Buffer.from(v).toString('hex') };
  if (type === FrameType.DELETE) return { type, topic: t, key: k };
  return {
    type,
    topic: t,
    count,
    hello: envelope.hello && { ...envelope.hello },
    error: envelope.error && { ...envelope.error },
  };
}

describe('reading frames', () => {
  test('frames cut anywhere come out the same', () => {
    const property = fc.property(
      fc.array(frame, { minLength: 1, maxLength: 12 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      (frames, cuts) => {
        const stream = Buffer.concat(frames);
        assert.deepEqual(read(cutAt(stream, cuts)), read([stream]));
        assert.equal(read([stream]).length, frames.length);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  test('a stream of single bytes is read', () => {
    const frames = [new TopicFrames('a/b/C').update('key', new Uint8Array(200)), new TopicFrames('a/b/C').complete()];
    const bytes = [...Buffer.concat(frames)].map(byte => Buffer.from([byte]));
    assert.equal(read(bytes).length, 2);
  });

  test('a frame of 16 MiB passes, one byte more is refused at its prefix', () => {
    const prefix = (length: number) =>
      Buffer.from([
        (length & 0x7f) | 0x80,
        ((length >> 7) & 0x7f) | 0x80,
        ((length >> 14) & 0x7f) | 0x80,
        length >> 21,
      ]);
    const reader = new FrameReader();
    let got = 0;
    const onFrame = (_: Buffer, start: number, end: number) => {
      got = end - start;
      return true;
    };
    reader.push(prefix(MAX_FRAME_BYTES), onFrame);
    for (let i = 0; i < 16; i++) reader.push(Buffer.alloc(1024 * 1024), onFrame);
    assert.equal(got, MAX_FRAME_BYTES);
    assert.throws(() => new FrameReader().push(prefix(MAX_FRAME_BYTES + 1), onFrame), { code: 'ERR_FRAME_TOO_BIG' });
  });

  test('an endless length and an empty frame are refused', () => {
    const onFrame = () => true;
    assert.throws(() => new FrameReader().push(Buffer.from([0x81, 0x80, 0x80, 0x80]), onFrame), {
      code: 'ERR_FRAME_TOO_BIG',
    });
    assert.throws(() => new FrameReader().push(Buffer.from([0]), onFrame), { code: 'ERR_MALFORMED' });
  });

  test('a promise of 16 MiB costs no memory until the bytes come', () => {
    const readers = Array.from({ length: 100 }, () => new FrameReader());
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) reader.push(Buffer.from([0x80, 0x80, 0x80, 0x08, 1]), () => true);
    assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 1024 * 1024);
  });

  test('reading stops where the receiver says so', () => {
    let seen = 0;
    const two = Buffer.concat([encodeFrame({ type: 7 }), encodeFrame({ type: 7 })]);
    new FrameReader().push(two, () => ++seen < 1);
    assert.equal(seen, 1);
  });
});

describe('decoding frames', () => {
  test('what is written straight decodes as the generated code says', () => {
    const decoder = new FrameDecoder();
    const property = fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), frames => {
      for (const hex of read([Buffer.concat(frames)])) {
        const body = Buffer.from(hex, 'hex');
        assert.deepEqual(decode(body, decoder), plain(envelopeCodec.decode(body)));
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('what the generated code writes is what is written straight', () => {
    const property = fc.property(topic, key, value, (t, k, v) => {
      const generated = encodeFrame({ type: FrameType.UPDATE, topic: t, key: k, value: v });
      assert.ok(generated.equals(new TopicFrames(t).update(k, v)));
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('a changed or cut frame is refused or means what the generated code says, and nothing else is thrown', () => {
    const property = fc.property(
      frame,
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(),
      (whole, at, byte, cut) => {
        const body = Buffer.from(Buffer.from(read([whole])[0]!, 'hex'));
        body[at % body.length] = byte;
        const damaged = body.subarray(0, body.length - (cut % 4 === 0 ? (cut >> 2) % body.length : 0));
        let expected: unknown;
        try {
          const envelope = envelopeCodec.decode(damaged);
          if (envelope.type === 0) throw new Error('no type');
          if (envelope.type === FrameType.UPDATE || envelope.type === FrameType.DELETE) checkKey(envelope.key);
          expected = plain(envelope);
        } catch {
          assert.throws(() => decode(damaged), PubsubError);
          return;
        }
        assert.deepEqual(decode(damaged), expected);
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });

  test('keys that name no entry are refused', () => {
    const bad = ['', '.', '..', 'a/b', 'a\u0000b', 'a\nb', '\u007f', 'x'.repeat(251), 'ä'.repeat(126)];
    for (const k of bad) {
      const body = envelopeCodec.encode({
        type: 3,
        topic: 'a/b/C',
        key: k,
        value: new Uint8Array(1),
        count: 0,
        hello: null,
        error: null,
      });
      assert.throws(() => decode(body), { code: 'ERR_BAD_KEY' }, JSON.stringify(k));
    }
    for (const k of ['...', 'a', 'x'.repeat(250), 'ä'.repeat(125), 'vif:nbu1x1', '日本']) {
      const { key: got } = decode(
        Buffer.from(read([new TopicFrames('a/b/C').update(k, new Uint8Array(3))])[0]!, 'hex'),
      ) as Envelope;
      assert.equal(got, k);
    }
  });

  test('a value that does not fit a frame is refused by the writer', () => {
    const frames = new TopicFrames('a/b/C');
    assert.throws(() => frames.update('k', new Uint8Array(MAX_FRAME_BYTES)), { code: 'ERR_FRAME_TOO_BIG' });
    assert.equal(read([frames.update('k', new Uint8Array(MAX_FRAME_BYTES - 64))]).length, 1);
  });
});
