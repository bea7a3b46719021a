import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { repeat } from '../../../shared/beat.ts';

beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
afterEach(() => mock.timers.reset());

test('what is repeated comes in its interval, all at the same moments', () => {
  const told: string[] = [];
  const stops = [
    repeat(1_000, () => told.push('each second')),
    repeat(3_000, () => told.push('each third')),
    repeat(1_500, () => told.push('on its own')),
  ];
  mock.timers.tick(1_000);
  assert.deepEqual(told.splice(0), ['each second']);
  mock.timers.tick(500);
  assert.deepEqual(told.splice(0), ['on its own']);
  mock.timers.tick(1_500);
  assert.deepEqual(told.splice(0).sort(), ['each second', 'each second', 'each third', 'on its own'].sort());
  for (const stop of stops) stop();
  mock.timers.tick(10_000);
  assert.deepEqual(told, []);
});

test('one that begins later comes with the others, however short that makes its first interval', () => {
  const told: string[] = [];
  const stops = [repeat(1_000, () => told.push('first'))];
  mock.timers.tick(400);
  stops.push(repeat(1_000, () => told.push('later')));
  mock.timers.tick(600);
  assert.deepEqual(told, ['first', 'later']);
  for (const stop of stops) stop();
});

test('one may stop itself or another one', () => {
  const told: string[] = [];
  const first = repeat(1_000, () => {
    told.push('first');
    second();
  });
  mock.timers.tick(400);
  const second = repeat(1_000, () => told.push('second'));
  const third = repeat(1_000, () => {
    told.push('third');
    third();
  });
  mock.timers.tick(600);
  mock.timers.tick(1_000);
  assert.deepEqual(told, ['first', 'third', 'first']);
  first();
});
