import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Item } from '../../../../netns-manager/items/item.ts';
import { itemStates } from '../../../../netns-manager/items/states.ts';

const item = (id: string, given: Partial<Item> = {}): Item => ({
  kind: 'link',
  id,
  intended: 'up',
  actual: 'up',
  dependsOn: [],
  ...given,
});
const none = new Map<string, never>();
const summary = (items: readonly Item[], errors: ReadonlyMap<string, string> = none) =>
  [...itemStates(items, errors, none, 7)].map(([key, { state, error }]) => `${key} ${state} ${error}`.trim());

test('an item that is as intended is ok, whatever it depends on', () => {
  const items = [item('a', { actual: 'absent' }), item('b', { dependsOn: ['link:a'] })];
  assert.deepEqual(summary(items, new Map([['link:a', 'no memory']])), ['link:a error no memory', 'link:b ok']);
});

test('what depends on a failed item waits for it, also over several steps, and its own failure is not told', () => {
  const items = [
    item('a', { actual: 'absent' }),
    item('b', { actual: 'absent', dependsOn: ['link:a'] }),
    item('c', { actual: 'absent', dependsOn: ['link:b'] }),
    item('d', { actual: 'absent' }),
  ];
  const errors = new Map([
    ['link:a', 'no memory'],
    ['link:b', 'no such device'],
  ]);
  assert.deepEqual(summary(items, errors), [
    'link:a error no memory',
    'link:b pending waits for link:a',
    'link:c pending waits for link:b',
    'link:d pending',
  ]);
});

test('an item in place that could not be changed is in error', () => {
  assert.deepEqual(summary([item('a')], new Map([['link:a', 'refused']])), ['link:a error refused']);
});

test('what somebody else has to make is pending and says who, only while it is absent', () => {
  const waitsFor = 'the supervisor';
  assert.deepEqual(summary([item('a', { actual: 'absent', waitsFor }), item('b', { actual: 'down', waitsFor })]), [
    'link:a pending waits for the supervisor',
    'link:b pending',
  ]);
});

test('its own failure is told when what it depends on is only missing', () => {
  const items = [item('a', { actual: 'absent' }), item('b', { actual: 'absent', dependsOn: ['link:a'] })];
  assert.deepEqual(summary(items, new Map([['link:b', 'refused']])), ['link:a pending', 'link:b error refused']);
});

test('what is there and should not be is unwanted', () => {
  assert.deepEqual(summary([item('a', { intended: 'absent' })]), ['link:a unwanted']);
});

test('an error of something that is no item becomes one', () => {
  assert.deepEqual(summary([], new Map([['address:br 10.0.0.1/24', 'can not be removed']])), [
    'address:br 10.0.0.1/24 error can not be removed',
  ]);
});

test('since is when it got into its state', () => {
  const first = itemStates([item('a'), item('b')], none, none, 100);
  const second = itemStates([item('a'), item('b', { actual: 'down' })], none, first, 200);
  assert.deepEqual([second.get('link:a')?.since, second.get('link:b')?.since], [100, 200]);
});

test('every failure is told by an item in error, or by one that such an item holds up', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const graph = fc.tuple(
    ...names.map((id, index) =>
      fc.record({
        actual: fc.constantFrom('up', 'down', 'absent'),
        dependsOn: fc.subarray(names.slice(0, index)).map(ids => ids.map(other => `link:${other}`)),
        id: fc.constant(id),
      }),
    ),
  );
  fc.assert(
    fc.property(graph, fc.subarray(names), (nodes, failing) => {
      const items = nodes.map(({ id, ...given }) => item(id, given));
      const states = itemStates(items, new Map(failing.map(id => [`link:${id}`, 'failed'])), none, 0);
      const heldUp = (key: string): boolean => {
        const { state, dependsOn } = states.get(key)!;
        return state === 'error' || (state === 'pending' && dependsOn.some(heldUp));
      };
      for (const id of failing) assert.ok(heldUp(`link:${id}`), id);
      assert.equal(
        failing.length > 0,
        [...states.values()].some(({ state }) => state === 'error'),
      );
    }),
  );
});
