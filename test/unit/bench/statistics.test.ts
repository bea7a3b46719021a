import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, quantile, slope } from '../../bench/statistics.ts';

test('the median is the middle, or between the two in the middle, whatever their order', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.throws(() => median([]), /no samples/);
});

test('a quantile lies between its neighbours', () => {
  assert.equal(quantile([0, 10], 0.25), 2.5);
  assert.equal(quantile([5], 0.99), 5);
});

test('a straight line has its slope for certain; of noise around none the interval holds 0', () => {
  const line = slope([1, 2, 3, 4].map(x => [x, 3 * x + 1] as const));
  assert.ok(Math.abs(line.slope - 3) < 1e-9 && line.uncertainty < 1e-6);
  const noise = slope([5, 6, 5, 6, 5, 6, 5].map((y, x) => [x, y] as const));
  assert.ok(Math.abs(noise.slope) < noise.uncertainty);
  assert.throws(() => slope([[1, 1]]), /3 points/);
});
