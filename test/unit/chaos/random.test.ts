import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionKinds } from '../../chaos/actions/index.ts';
import { uplinks } from '../../chaos/device/layout.ts';
import { program, type Step } from '../../chaos/program.ts';
import { Random } from '../../chaos/random.ts';

const steps = (seed: number, count: number): Step[] => {
  const all = program(actionKinds, new Random(seed));
  return Array.from({ length: count }, () => all.next().value);
};
const told = ({ kind, target, gap, patience, random }: Step) => [kind.name, target, gap, patience, random.next()];

test('a seed gives the same actions each time, and another seed gives others', () => {
  assert.deepEqual(steps(7, 500).map(told), steps(7, 500).map(told));
  assert.notDeepEqual(steps(7, 500).map(told), steps(8, 500).map(told));
});

test('every kind of action comes, with every target', () => {
  const done = new Set(steps(1, 30_000).map(({ kind, target }) => `${kind.name} ${target}`));
  const missing = actionKinds.flatMap(({ name, targets }) => targets.map(target => `${name} ${target}`));
  assert.deepEqual(
    missing.filter(one => !done.has(one)),
    [],
  );
});

test('for thirty actions cuts are nowhere, on one uplink, or anywhere, all three in a row of seeds', () => {
  const groups = Array.from({ length: 60 }, (_, seed) => {
    const cut = new Set<string>(
      steps(seed, 30).flatMap(({ kind, target }) => (kind.effect === 'cut' ? kind.affects(target) : [])),
    );
    return Object.values(uplinks).filter((nis: readonly string[]) => nis.some(ni => cut.has(ni))).length;
  });
  assert.ok(groups.filter(count => count === 0).length > 10, `nowhere: ${groups}`);
  assert.ok(groups.filter(count => count === 1).length > 10, `on one: ${groups}`);
  assert.ok(groups.filter(count => count === 4).length > 1, `anywhere: ${groups}`);
});

test('a number between two is any of them and no other', () => {
  const random = new Random(3);
  const seen = new Set(Array.from({ length: 1_000 }, () => random.between(4, 7)));
  assert.deepEqual([...seen].sort(), [4, 5, 6, 7]);
});
