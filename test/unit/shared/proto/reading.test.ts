import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { nibox } from '../../../../shared/proto/gen/nibox.js';
import { codecs, type ItemState } from '../../../../shared/proto/messages.ts';
import { TextCache } from '../../../../shared/proto/text-cache.ts';

const text = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.constantFrom('', 'x'.repeat(64), 'x'.repeat(65), 'ü'.repeat(32), 'x'.repeat(2000)),
);
const item: fc.Arbitrary<ItemState> = fc.record({
  kind: text,
  id: text,
  intended: text,
  actual: text,
  state: text,
  error: text,
  since: fc.maxSafeNat(),
  dependsOn: fc.array(text, { maxLength: 4 }),
});

describe('reading messages', () => {
  test('gives what the generated code gives, wherever the bytes lie, whatever was read before', () => {
    fc.assert(
      fc.property(item, fc.nat(20), (message, offset) => {
        const bytes = codecs.ItemState.encode(message);
        const around = Buffer.concat([Buffer.alloc(offset, 0xff), bytes, Buffer.from([0x0a, 1, 0x61])]);
        const read = codecs.ItemState.read!(around, offset, offset + bytes.length);
        assert.deepEqual(read, nibox.ItemState.decode(bytes));
      }),
    );
  });

  test('refuses what the generated code refuses', () => {
    fc.assert(
      fc.property(item, fc.nat(), fc.nat(255), (message, at, byte) => {
        const bytes = Buffer.from(codecs.ItemState.encode(message));
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        assert.deepEqual(
          outcome(codecs.ItemState.decode, bytes),
          outcome(b => nibox.ItemState.decode(b), bytes),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('copies bytes, so that they do not hold all that was read with them', () => {
    const tunnels = [{ credentialsDigest: new Uint8Array([1, 2, 3]) }];
    const around = Buffer.from(codecs.NetworkInstanceConfig.encode({ vpn: { tunnels } } as never));
    const { vpn } = codecs.NetworkInstanceConfig.decode(around);
    around.fill(0);
    assert.deepEqual([...vpn!.tunnels[0]!.credentialsDigest], [1, 2, 3]);
  });

  test('writes the same bytes into shared memory, after messages that could not be written too', () => {
    fc.assert(
      fc.property(item, message => {
        assert.throws(() => codecs.NetworkInstanceConfig.write!({ vpn: { tunnels: [null] } } as never));
        const { buf, pos } = codecs.ItemState.write!(message);
        assert.ok(Buffer.from(codecs.ItemState.encode(message)).equals(buf.subarray(0, pos)));
      }),
    );
  });
});

describe('a text cache', () => {
  test('gives the text of printable ASCII, the same again for the same bytes, and nothing else', () => {
    const cache = new TextCache();
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 70 }),
      fc.string({ maxLength: 70 }).map(s => Buffer.from(s)),
    );
    fc.assert(
      fc.property(bytes, fc.nat(9), (some, offset) => {
        const buffer = Buffer.concat([Buffer.alloc(offset), some, Buffer.alloc(3)]);
        const isKept = some.length > 0 && some.length <= 64 && some.every(byte => byte >= 0x20 && byte < 0x7f);
        const expected = isKept ? Buffer.from(some).toString('latin1') : null;
        for (let i = 0; i < 2; i++) assert.equal(cache.read(buffer, offset, offset + some.length), expected);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Errors are alike whatever they say. */
function outcome(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    return { ...(decode(bytes) as object) };
  } catch {
    return 'refused';
  }
}
