import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FrameType } from '../../../../shared/proto/messages.ts';
import { encodeFrame, TopicFrames } from '../../../../shared/pubsub/frame-writer.ts';
import { helloOf } from '../../../../shared/pubsub/identity.ts';
import { acceptWire, Hub, Session } from '../../../../shared/pubsub/index.ts';
import { MAX_FRAME_BYTES } from '../../../../shared/pubsub/limits.ts';
import { FakeClock } from './fake-clock.ts';
import { type FakeWire, wirePair } from './fake-wire.ts';
import { framesOf, HELLO, identity, link, publication, TOPIC, textCodec } from './support.ts';

/** Somebody who speaks bytes to a peer of the hub. */
function stranger(hub: Hub): { wire: FakeWire; answers: Buffer[] } {
  const [near, far] = wirePair();
  const answers: Buffer[] = [];
  near.attach({ onBytes: bytes => void answers.push(Buffer.from(bytes)), onDrain() {}, onClose() {} });
  acceptWire(far, { hub, identity: identity('pub') });
  return { wire: near, answers };
}

function errorCode(answers: Buffer[]): string | undefined {
  const last = framesOf(answers).at(-1);
  return last?.type === FrameType.ERROR ? last.error?.code : undefined;
}

const frames = new TopicFrames('pub/ni1/DnsRequest');
const subscribe = encodeFrame({ type: FrameType.SUBSCRIBE, topic: TOPIC });

describe('bad input ends the connection with an error that tells why', () => {
  const cases: [title: string, code: string, ...bytes: Buffer[]][] = [
    ['a subscription before the hello', 'ERR_HELLO_EXPECTED', subscribe],
    ['an update before the hello', 'ERR_HELLO_EXPECTED', frames.update('key', Buffer.from('x'))],
    ['a ping before the hello', 'ERR_HELLO_EXPECTED', encodeFrame({ type: FrameType.PING })],
    ['a second hello', 'ERR_UNEXPECTED_FRAME', HELLO, HELLO],
    ['a hello without content', 'ERR_UNEXPECTED_FRAME', encodeFrame({ type: FrameType.HELLO })],
    ['a hello without a version', 'ERR_PROTOCOL_VERSION', Buffer.from([4, 8, 1, 0x32, 0])],
    ['a hello without a name', 'ERR_MALFORMED', encodeFrame({ type: FrameType.HELLO, hello: helloOf(identity('')) })],
    ['a frame of 16 MiB and a byte', 'ERR_FRAME_TOO_BIG', HELLO, Buffer.from([0x81, 0x80, 0x80, 0x08])],
    ['an endless length', 'ERR_FRAME_TOO_BIG', HELLO, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])],
    ['an empty frame', 'ERR_MALFORMED', HELLO, Buffer.from([0])],
    ['a frame of no type', 'ERR_MALFORMED', HELLO, encodeFrame({ topic: TOPIC })],
    ['a frame that is no protobuf', 'ERR_MALFORMED', HELLO, Buffer.from([3, 0xff, 0xff, 0xff])],
    ['a frame whose field is cut', 'ERR_MALFORMED', HELLO, Buffer.from([4, 8, 2, 0x12, 60])],
    ['broken UTF-8 in a topic', 'ERR_MALFORMED', HELLO, Buffer.from([6, 8, 2, 0x12, 2, 0xc3, 0x28])],
    [
      'a topic of two parts',
      'ERR_BAD_TOPIC',
      HELLO,
      encodeFrame({ type: FrameType.SUBSCRIBE, topic: 'pub/DnsRequest' }),
    ],
    [
      'a topic with dots for a way up',
      'ERR_BAD_TOPIC',
      HELLO,
      encodeFrame({ type: FrameType.SUBSCRIBE, topic: '../../etc' }),
    ],
    ['the same subscription twice', 'ERR_UNEXPECTED_FRAME', HELLO, subscribe, subscribe],
    [
      'an end of what was not subscribed to',
      'ERR_UNEXPECTED_FRAME',
      HELLO,
      encodeFrame({ type: FrameType.UNSUBSCRIBE, topic: TOPIC }),
    ],
    ['an update that nobody asked for', 'ERR_UNEXPECTED_FRAME', HELLO, frames.update('key', Buffer.from('x'))],
    [
      'a delete of a key with a slash',
      'ERR_BAD_KEY',
      HELLO,
      encodeFrame({ type: FrameType.DELETE, topic: TOPIC, key: 'a/b' }),
    ],
    [
      'a confirmation that nobody waits for',
      'ERR_UNEXPECTED_FRAME',
      HELLO,
      encodeFrame({ type: FrameType.UNSUBSCRIBE, topic: TOPIC, count: 1 }),
    ],
  ];
  for (const [title, code, ...bytes] of cases) {
    test(title, async t => {
      const clock = new FakeClock(t);
      const hub = new Hub();
      const { wire, answers } = stranger(hub);
      for (const part of bytes) wire.send(part);
      await clock.pass(10);
      assert.equal(errorCode(answers), code);
      assert.ok(wire.isClosed);
      assert.equal(clock.pending, 0);
    });
  }

  test('a side that never says hello', async t => {
    const clock = new FakeClock(t);
    const { wire, answers } = stranger(new Hub());
    await clock.pass(9_990);
    assert.ok(!wire.isClosed);
    await clock.pass(20);
    assert.equal(errorCode(answers), 'ERR_HELLO_TIMEOUT');
    assert.ok(wire.isClosed);
  });

  test('more subscriptions than anybody needs', async t => {
    const clock = new FakeClock(t);
    const { wire, answers } = stranger(new Hub());
    wire.send(HELLO);
    for (let i = 0; i < 17_000; i++)
      wire.send(encodeFrame({ type: FrameType.SUBSCRIBE, topic: `pub/ni${i}/DnsRequest` }));
    await clock.pass(10);
    assert.equal(errorCode(answers), 'ERR_TOO_MANY_SUBSCRIPTIONS');
  });

  test("a value that is not of the topic's type", async t => {
    const clock = new FakeClock(t);
    const [near, far] = wirePair();
    const session = new Session({
      connect: () => Promise.resolve(near),
      identity: identity('sub'),
      backoff: { firstMs: 9999, maxMs: 9999 },
    });
    far.attach({ onBytes() {}, onDrain() {}, onClose() {} });
    session.subscribe(TOPIC, textCodec, {});
    session.start();
    await clock.pass(2);
    far.send(HELLO);
    far.send(frames.update('key', Buffer.from([0x0a, 0x60, 1])));
    await clock.pass(10);
    assert.equal(errorCode(near.sent), 'ERR_BAD_VALUE');
    assert.equal(session.state, 'connecting');
    session.close();
  });
});

describe('what a newer side may send', () => {
  test('frames of a type that is not known here are passed over', async t => {
    const clock = new FakeClock(t);
    const { wire, answers } = stranger(new Hub());
    wire.send(
      Buffer.concat([HELLO, encodeFrame({ type: 99 as never }), encodeFrame({ type: FrameType.PING, count: 3 })]),
    );
    await clock.pass(10);
    assert.equal(framesOf(answers).at(-1)?.count, 3);
    assert.ok(!wire.isClosed);
  });

  test('a hello of a newer minor version is welcome', async t => {
    const clock = new FakeClock(t);
    const { wire } = stranger(new Hub());
    const hello = { ...identity('newer'), protocolMajor: 1, protocolMinor: 9 };
    wire.send(encodeFrame({ type: FrameType.HELLO, hello }));
    await clock.pass(10);
    assert.ok(!wire.isClosed);
  });
});

describe('a side that misbehaves', () => {
  test('and asks without reading the answers is cut off', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const [near, far] = wirePair({ capacity: 1000 });
    near.attach({ onBytes() {}, onDrain() {}, onClose() {} });
    acceptWire(far, { hub, identity: identity('pub') });
    near.send(HELLO);
    await clock.pass(5);
    far.stalled = true;
    const again = Buffer.concat([subscribe, encodeFrame({ type: FrameType.UNSUBSCRIBE, topic: TOPIC })]);
    for (let i = 0; i < 500_000 && !near.isClosed; i++) {
      far.inject(again);
      if (i % 1000 === 0) await clock.pass(1);
    }
    assert.ok(near.isClosed);
    assert.ok(far.maxQueued < 8 * 1024 * 1024);
  });

  test('and keeps talking after its error is cut off', async t => {
    const clock = new FakeClock(t);
    const { wire } = stranger(new Hub());
    wire.send(Buffer.from([0]));
    wire.other!.stalled = true; // it does not even read the error
    await clock.pass(900);
    assert.ok(!wire.isClosed);
    await clock.pass(200);
    assert.ok(wire.isClosed);
  });

  test('with any bytes at all throws nothing and disturbs no other connection on the hub', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (let i = 0; i < 5; i++) pub.set(`key-${i}`, 'value');
    hub.add(pub);
    const { session } = link({ hub });
    const subscription = session.subscribe(TOPIC, textCodec, {});
    session.start();
    await clock.pass(10);
    const valid = fc.constantFrom(
      HELLO,
      subscribe,
      encodeFrame({ type: 7, count: 1 }),
      frames.update('key', Buffer.from('x')),
      frames.complete(),
    );
    const garbage = fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes));
    const damaged = fc.tuple(valid, fc.nat(), fc.nat(255)).map(([frame, at, byte]) => {
      const copy = Buffer.from(frame);
      copy[at % copy.length] = byte;
      return copy;
    });
    let round = 0;
    const property = fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.oneof(valid, garbage, damaged), { maxLength: 8 }),
      fc.boolean(),
      async (isPolite, parts, drops) => {
        const { wire, answers } = stranger(hub);
        if (isPolite) wire.send(HELLO);
        for (const part of parts) wire.send(part);
        await clock.pass(3);
        if (drops) wire.destroy();
        else wire.close();
        await clock.pass(3);
        framesOf(answers.slice(0, 1)); // what comes back is whole frames in any case
        pub.set('round', String(++round));
        await clock.pass(3);
        assert.equal(subscription.entries.get('round'), String(round));
        assert.equal(subscription.synchronized, true);
      },
    );
    await fc.assert(property, { numRuns: 400 });
    session.close();
    await clock.pass(2000);
    assert.equal(clock.pending, 0);
  });

  test('and promises 16 MiB in small pieces is served when it keeps the promise', async t => {
    const clock = new FakeClock(t);
    const { wire, answers } = stranger(new Hub());
    wire.send(HELLO);
    const body = Buffer.alloc(MAX_FRAME_BYTES);
    body.set([0x08, FrameType.PING, 0x28, 5, 0x22, ...[0xf8, 0xff, 0xff, 0x07]]); // and a value that fills the frame
    body.set([], 0);
    wire.send(Buffer.from([0x80, 0x80, 0x80, 0x08]));
    const rest = MAX_FRAME_BYTES - 9;
    body.set([(rest & 0x7f) | 0x80, ((rest >> 7) & 0x7f) | 0x80, ((rest >> 14) & 0x7f) | 0x80, rest >> 21], 5);
    for (let at = 0; at < body.length; at += 1_000_003) wire.send(body.subarray(at, at + 1_000_003));
    await clock.pass(50);
    assert.equal(framesOf(answers).at(-1)?.count, 5);
  });
});
