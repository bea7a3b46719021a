import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Box, boxesOverlap } from '../../../../netns-manager/acl/box.ts';
import { BoxIndex } from '../../../../netns-manager/acl/box-index.ts';
import { parsePrefix, prefixStart } from '../../../../netns-manager/acl/prefix.ts';

const ports = fc.option(
  fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 3 })).map(([low, width]) => ({ low, high: low + width })),
);
const prefix4 = fc
  .tuple(fc.constantFrom(0, 1, 2, 127, 128, 255), fc.constantFrom(0, 3, 64, 200), fc.integer({ min: 1, max: 32 }))
  .map(([a, b, length]) => parsePrefix(`10.${a}.${b}.9/${length}`));
const prefix6 = fc
  .tuple(fc.constantFrom('2001:db8', '2001:db9', 'fd00'), fc.integer({ min: 1, max: 128 }))
  .map(([start, length]) => parsePrefix(`${start}::1/${length}`));
const boxesOf = (prefix: fc.Arbitrary<ReturnType<typeof parsePrefix>>): fc.Arbitrary<Box[]> =>
  fc.array(
    fc.record({
      remote: fc.option(prefix),
      sets: fc.constant([]),
      protocol: fc.option(fc.constantFrom(6, 17)),
      source: ports,
      destination: ports,
      portmap: fc.option(fc.constantFrom(1, 2)),
    }),
    { maxLength: 60 },
  );

for (const [family, prefix] of [
  ['IPv4', prefix4],
  ['IPv6', prefix6],
] as const) {
  test(`of ${family} boxes exactly those are found that overlap`, () => {
    fc.assert(
      fc.property(boxesOf(prefix), boxes => {
        const index = new BoxIndex<number>();
        for (const [number, box] of boxes.entries()) {
          const found: number[] = [];
          index.someOverlapping(box, (_, value) => found.push(value) === 0);
          const expected = [...boxes.keys()].slice(0, number).filter(other => boxesOverlap(boxes[other]!, box));
          assert.deepEqual(
            found.sort((a, b) => a - b),
            expected,
          );
          index.add(box, number);
        }
      }),
    );
  });
}

test('the search ends with the first box that the test holds for', () => {
  const index = new BoxIndex<number>();
  const box: Box = { remote: null, sets: [], protocol: null, source: null, destination: null, portmap: null };
  for (const value of [1, 2, 3]) index.add(box, value);
  const asked: number[] = [];
  assert.equal(
    index.someOverlapping(box, (_, value) => asked.push(value) === 2),
    true,
  );
  assert.deepEqual(asked, [1, 2]);
});

test('the start of a prefix around another one is the one that parsing gives', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), fc.integer({ min: 0, max: 32 }), (value, length) => {
      const address = [24, 16, 8, 0].map(shift => (value >>> shift) & 255).join('.');
      assert.equal(prefixStart(parsePrefix(address)!, length), parsePrefix(`${address}/${length}`)!.low);
    }),
  );
});
