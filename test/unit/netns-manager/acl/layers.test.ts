import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Box, boxesOverlap } from '../../../../netns-manager/acl/box.ts';
import { type Entry, layer } from '../../../../netns-manager/acl/layers.ts';
import { parsePrefix } from '../../../../netns-manager/acl/prefix.ts';

interface Point {
  address: string;
  protocol: number;
  port: number;
}

const anyBox: Box = { remote: null, sets: [], protocol: null, source: null, destination: null, portmap: null };
const prefixes = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '10.1.2.3', '10.1.2.4', '10.2.0.0/16', '192.168.0.0/16'];
const points: Point[] = ['10.1.2.3', '10.1.2.4', '10.1.9.9', '10.2.0.1', '10.9.9.9', '192.168.1.1', '1.1.1.1'].flatMap(
  address => [6, 17].flatMap(protocol => [1, 3, 5, 8].map(port => ({ address, protocol, port }))),
);

const box: fc.Arbitrary<Box> = fc
  .record({
    remote: fc.option(fc.constantFrom(...prefixes)),
    protocol: fc.option(fc.constantFrom(6, 17)),
    ports: fc.option(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 4 }))),
  })
  .map(({ remote, protocol, ports }) => ({
    ...anyBox,
    remote: remote === null ? null : parsePrefix(remote),
    protocol,
    destination: ports && protocol !== null ? { low: ports[0], high: ports[0] + ports[1] } : null,
  }));

function holds({ remote, protocol, destination }: Box, point: Point): boolean {
  const address = parsePrefix(point.address)!.low;
  return (
    (remote === null || (remote.low <= address && address <= remote.high)) &&
    (protocol === null || protocol === point.protocol) &&
    (destination === null || (destination.low <= point.port && point.port <= destination.high))
  );
}

test('the groups decide every packet as the ordered list does, whatever the order within a group', () => {
  fc.assert(
    fc.property(fc.array(box, { maxLength: 40 }), boxes => {
      const list: Entry[] = boxes.map((box, mark) => ({ box, mark }));
      const groups = layer(list);
      for (const point of points) {
        const expected = list.find(entry => holds(entry.box, point))?.mark;
        const group = groups.find(({ entries }) => entries.some(entry => holds(entry.box, point)));
        const matching = group?.entries.filter(entry => holds(entry.box, point)) ?? [];
        assert.ok(matching.length <= 1, 'two elements of one map overlap');
        assert.equal(matching[0]?.mark, expected);
      }
    }),
    { numRuns: 500 },
  );
});

test('entries of one group never overlap and restrict the same fields', () => {
  fc.assert(
    fc.property(fc.array(box, { maxLength: 40 }), boxes => {
      for (const { entries } of layer(boxes.map((box, mark) => ({ box, mark })))) {
        for (const [index, a] of entries.entries()) {
          for (const b of entries.slice(index + 1)) {
            assert.ok(!boxesOverlap(a.box, b.box));
            assert.deepEqual(fieldsOf(a.box), fieldsOf(b.box));
          }
        }
      }
    }),
  );
});

test('a thousand disjoint entries of one shape are one group', () => {
  const list = Array.from({ length: 1000 }, (_, i): Entry => {
    const remote = parsePrefix(`10.${i >> 8}.${i & 255}.0/24`);
    return { box: { ...anyBox, remote, protocol: 6, destination: { low: 80, high: 80 } }, mark: i };
  });
  assert.deepEqual(
    layer(list).map(({ entries }) => entries.length),
    [1000],
  );
});

test('an entry that an earlier one covers is left out', () => {
  const wide: Entry = { box: { ...anyBox, remote: parsePrefix('10.0.0.0/8') }, mark: 1 };
  const narrow: Entry = { box: { ...anyBox, remote: parsePrefix('10.1.0.0/16'), protocol: 6 }, mark: 2 };
  assert.deepEqual(layer([wide, narrow]), [{ depth: 0, entries: [wide] }]);
  assert.equal(layer([narrow, wide]).length, 2);
});

test('entries with different sets are taken to overlap, since what is in a set is not known', () => {
  const one: Entry = { box: { ...anyBox, sets: ['host4_a'] }, mark: 1 };
  const two: Entry = { box: { ...anyBox, sets: ['host4_b'] }, mark: 2 };
  assert.deepEqual(
    layer([one, two]).map(({ entries }) => entries.map(entry => entry.mark)),
    [[1], [2]],
  );
});

function fieldsOf(box: Box): boolean[] {
  return [box.remote, box.protocol, box.source, box.destination].map(field => field === null);
}
