import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkCommand } from '../../../../netns-manager/bridge/plan.ts';
import { DriftWatch } from '../../../../netns-manager/items/drift.ts';
import type { ItemState } from '../../../../shared/proto/messages.ts';

const states = (given: Record<string, string>) =>
  new Map(Object.entries(given).map(([key, state]) => [key, { state } as ItemState]));
const command = (item: string): LinkCommand => ({ item, program: 'ip', line: `do ${item}` });

test('a link that comes later is no drift, one that had been in place and is gone is', () => {
  const watch = new DriftWatch();
  watch.note(states({ 'link:br': 'ok', 'link:uplink': 'pending' }));
  assert.deepEqual(watch.repairs([command('link:uplink')]), []);
  assert.deepEqual(watch.repairs([command('link:br'), command('link:uplink')]), [command('link:br')]);
  watch.note(states({ 'link:br': 'ok', 'link:uplink': 'ok' }));
  watch.note(states({ 'link:br': 'ok', 'link:uplink': 'pending' }));
  assert.deepEqual(watch.repairs([command('link:uplink')]), [command('link:uplink')]);
});

test('what nobody wants is drift', () => {
  const watch = new DriftWatch();
  watch.note(states({ 'link:br': 'ok' }));
  assert.deepEqual(watch.repairs([command('address:br 10.0.0.1/8')]), [command('address:br 10.0.0.1/8')]);
});

test('after another config nothing had been in place', () => {
  const watch = new DriftWatch();
  watch.note(states({ 'link:br': 'ok', 'link:uplink': 'ok' }));
  watch.reset();
  watch.note(states({ 'link:br': 'ok', 'link:uplink': 'pending' }));
  assert.deepEqual(watch.repairs([command('link:uplink')]), []);
});
