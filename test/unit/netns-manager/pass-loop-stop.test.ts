import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PassLoop } from '../../../netns-manager/pass-loop.ts';

test('a loop that is stopped ends its pass and begins no other, whoever wakes it', async () => {
  let begun = 0;
  let ended = 0;
  const loop = new PassLoop(async () => {
    begun += 1;
    await sleep(50);
    ended += 1;
    return false;
  });
  loop.wake();
  loop.wake();
  await loop.stop();
  assert.deepEqual([begun, ended], [1, 1]);
  loop.wake();
  await sleep(600);
  assert.equal(begun, 1);
});
