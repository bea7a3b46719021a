import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interleave } from '../../bench/interleave.ts';

const context = { rounds: 3, minutes: null, say: () => {} };

test('all are measured in turn, each round begins with another one', async () => {
  const order: string[] = [];
  const entrant = (name: string) => {
    const measure = async () => order.push(name);
    return { name, role: 'peer' as const, measure };
  };
  const { signal } = new AbortController();
  const contestants = await interleave({ ...context, signal }, [entrant('a'), entrant('b'), entrant('c')]);
  assert.equal(order.join(''), 'abcbcacab');
  assert.deepEqual(contestants[0], { name: 'a', role: 'peer', samples: [1, 6, 8] });
});

test('an interrupt ends it before the next measurement', async () => {
  const interrupted = new AbortController();
  let count = 0;
  const measure = async () => {
    interrupted.abort(new Error('enough'));
    return ++count;
  };
  const run = interleave({ ...context, signal: interrupted.signal }, [{ name: 'a', role: 'nibox', measure }]);
  await assert.rejects(run, /enough/);
  assert.equal(count, 1);
});
