import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MirrorBudget } from '../../../../shared/pubsub/limits.ts';

const KEY = 'k';
/** What a message under a key of one letter costs beside its bytes. */
const OVERHEAD = 257;

test('a budget counts what is kept under a key, not what came', () => {
  const budget = new MirrorBudget(OVERHEAD + 100);
  const subscription = {};
  for (let i = 0; i < 1000; i++) budget.take(subscription, KEY, 100);
  assert.throws(() => budget.take(subscription, 'l', 0), { code: 'ERR_TOO_MUCH' });
  assert.ok(budget.isExceeded);
});

test('what is deleted, or ends, makes room', () => {
  const budget = new MirrorBudget(OVERHEAD + 100);
  const [one, other] = [{}, {}];
  budget.take(one, KEY, 100);
  budget.release(one, KEY);
  budget.take(other, KEY, 100);
  budget.forget(other);
  budget.take(one, KEY, 100);
  assert.throws(() => budget.take(other, KEY, 100), { code: 'ERR_TOO_MUCH' });
});

test('many empty messages cost something', () => {
  const budget = new MirrorBudget(1024 * 1024);
  assert.throws(
    () => {
      for (let i = 0; i < 1_000_000; i++) budget.take(budget, `${i}`, 0);
    },
    { code: 'ERR_TOO_MUCH' },
  );
});
