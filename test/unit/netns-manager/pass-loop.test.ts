import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PassLoop } from '../../../netns-manager/pass-loop.ts';

/** A loop whose passes end when the test says so, and say what it says. */
function heldLoop() {
  const waiting: ((isWell: boolean) => void)[] = [];
  let passes = 0;
  const loop = new PassLoop(() => {
    passes += 1;
    return new Promise(resolve => waiting.push(resolve));
  });
  const end = async (isWell: boolean) => {
    waiting.shift()!(isWell);
    await new Promise(done => setImmediate(done));
  };
  return { loop, end, passes: () => passes };
}

test('whatever comes during a pass makes one more, and only one', async () => {
  const { loop, end, passes } = heldLoop();
  for (let i = 0; i < 5; i += 1) loop.wake();
  assert.equal(passes(), 1);
  assert.ok(loop.isRunning);
  await end(true);
  assert.equal(passes(), 2);
  await end(true);
  assert.deepEqual([passes(), loop.isRunning], [2, false]);
});

test('a pass that did not do everything is made again, each time after a longer pause, until all is well', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { loop, end, passes } = heldLoop();
  loop.wake();
  for (const [round, pause] of [500, 1_000, 2_000].entries()) {
    await end(false);
    t.mock.timers.tick(pause - 1);
    assert.equal(passes(), round + 1);
    t.mock.timers.tick(1);
    assert.equal(passes(), round + 2);
  }
  await end(true);
  t.mock.timers.tick(60_000);
  assert.equal(passes(), 4);
});

test('a pass for another reason takes the place of the one that was to come', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { loop, end, passes } = heldLoop();
  loop.wake();
  await end(false);
  loop.wake();
  await end(true);
  t.mock.timers.tick(60_000);
  assert.equal(passes(), 2);
});
