import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ViciProtocolError } from '../../../../netns-manager/ipsec/vici/errors.ts';
import { FrameSplitter } from '../../../../netns-manager/ipsec/vici/frame-splitter.ts';
import { decodeMessage, encodeMessage, type ViciMessage } from '../../../../netns-manager/ipsec/vici/message.ts';
import {
  decodePacket,
  encodePacket,
  MAX_FRAME_BYTES,
  PacketType,
  type ViciPacket,
} from '../../../../netns-manager/ipsec/vici/packet.ts';

/** Bytes that are no text, since text comes back as text. */
const bytes = fc.uint8Array({ maxLength: 40 }).map(tail => Uint8Array.of(0xff, ...tail));
// Lone surrogates are no UTF-8.
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const scalar = fc.oneof(text, bytes);
const name = fc.oneof(fc.string({ unit: 'grapheme-ascii', maxLength: 20 }), fc.constant('__proto__'));
const { message } = fc.letrec<{ message: ViciMessage }>(tie => ({
  message: fc.dictionary(
    name,
    fc.oneof({ depthSize: 'small' }, scalar, fc.array(scalar, { maxLength: 5 }), tie('message')),
    { maxKeys: 6, noNullPrototype: false },
  ) as fc.Arbitrary<ViciMessage>,
}));

const packet: fc.Arbitrary<ViciPacket> = fc.oneof(
  fc.record({ type: fc.constantFrom(PacketType.CMD_REQUEST, PacketType.EVENT), name, message }),
  fc.record({ type: fc.constantFrom(PacketType.EVENT_REGISTER, PacketType.EVENT_UNREGISTER), name }),
  fc.record({ type: fc.constant(PacketType.CMD_RESPONSE), message }),
  fc.record({ type: fc.constantFrom(PacketType.CMD_UNKNOWN, PacketType.EVENT_CONFIRM, PacketType.EVENT_UNKNOWN) }),
);

/** Without regard to prototypes, which dictionaries from outside must not have. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array || Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([key, entry]) => [key, plain(entry)]);
}

test('a message is what was encoded, whatever is in it', () => {
  fc.assert(
    fc.property(message, given => {
      assert.deepEqual(plain(decodeMessage(encodeMessage(given))), plain(given));
    }),
  );
});

test('the example of the protocol description is encoded as it stands there', () => {
  const example = { key1: 'value1', section1: { 'sub-section': { key2: 'value2' }, list1: ['item1', 'item2'] } };
  const expected = Buffer.concat([
    Buffer.from('\x03\x04key1\x00\x06value1', 'latin1'),
    Buffer.from('\x01\x08section1', 'latin1'),
    Buffer.from('\x01\x0bsub-section\x03\x04key2\x00\x06value2\x02', 'latin1'),
    Buffer.from('\x04\x05list1\x05\x00\x05item1\x05\x00\x05item2\x06', 'latin1'),
    Buffer.from('\x02', 'latin1'),
  ]);
  assert.deepEqual(encodeMessage(example), expected);
});

test('packets come out of a stream as they went in, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 50 })),
      (given, cuts) => {
        const stream = Buffer.concat(given.map(encodePacket));
        const splitter = new FrameSplitter();
        const got: ViciPacket[] = [];
        for (let at = 0; at < stream.length; ) {
          const size = cuts.next().value!;
          got.push(...splitter.push(stream.subarray(at, at + size)).map(decodePacket));
          at += size;
        }
        assert.deepEqual(got.map(plain), given.map(plain));
      },
    ),
  );
});

test('garbage is a protocol error and nothing else', () => {
  const onlyProtocolErrors = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      assert.ok(error instanceof ViciProtocolError, String(error));
    }
  };
  // Small bytes are element types and lengths: they get further than random ones.
  const garbage = fc.array(fc.oneof(fc.nat(7), fc.nat(255)), { maxLength: 300 }).map(Buffer.from);
  fc.assert(
    fc.property(garbage, given => onlyProtocolErrors(() => decodeMessage(given))),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(garbage, given => onlyProtocolErrors(() => decodePacket(given))),
    { numRuns: 2_000 },
  );
  fc.assert(fc.property(garbage, given => onlyProtocolErrors(() => new FrameSplitter().push(given))));
  const damaged = fc.tuple(packet, fc.nat(), fc.nat(255)).map(([given, at, byte]) => {
    const encoded = encodePacket(given).subarray(4);
    encoded[at % encoded.length] = byte;
    return encoded;
  });
  fc.assert(fc.property(damaged, given => onlyProtocolErrors(() => decodePacket(given))));
});

for (const [title, given] of Object.entries({
  'a cut value': '\x03\x01k\x00\x05abc',
  'a cut name': '\x01\x09abc',
  'a section without end': '\x01\x01a',
  'an end without section': '\x02',
  'a list without end': '\x04\x01l\x05\x00\x01a',
  'a section in a list': '\x04\x01l\x01\x01a\x02\x06',
  'an unknown element': '\x09',
})) {
  test(`${title} is refused`, () => {
    assert.throws(() => decodeMessage(Buffer.from(given, 'latin1')), ViciProtocolError);
  });
}

test('nesting without end is refused, not followed', () => {
  assert.throws(() => decodeMessage(Buffer.from('\x01\x01a'.repeat(100_000), 'latin1')), /nests deeper/);
  const deep: ViciMessage = {};
  deep.a = deep;
  assert.throws(() => encodeMessage(deep), /nests deeper/);
});

test('what the format has no room for is refused, and a secret is not quoted', () => {
  assert.throws(() => encodeMessage({ ['n'.repeat(256)]: '' }), /256 bytes, 255 fit/);
  assert.throws(
    () => encodeMessage({ data: 's3cret'.repeat(20_000) }),
    (error: Error) => {
      assert.match(error.message, /^the value of "data" has 120000 bytes, 65535 fit$/);
      return true;
    },
  );
  const big = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, 'x'.repeat(65_535)]));
  assert.throws(() => encodePacket({ type: PacketType.CMD_REQUEST, name: 'x', message: big }), /fit/);
});

test('a frame that says it is longer than charon makes them is refused before it is read', () => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(MAX_FRAME_BYTES + 1);
  assert.throws(() => new FrameSplitter().push(header), ViciProtocolError);
});
