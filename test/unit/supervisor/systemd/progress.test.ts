import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Progress } from '../../../../supervisor/systemd/progress.ts';

it('work gets on as long as step follows step, and nothing hangs when nothing is to be done', () => {
  let now = 0;
  const progress = new Progress(() => now);
  assert.equal(progress.isMoving, true);
  progress.step();
  now = 100_000;
  assert.equal(progress.isMoving, true);
  progress.step();
  now = 200_000;
  assert.equal(progress.isMoving, true);
  now = 220_001;
  assert.equal(progress.isMoving, false);
  progress.end();
  assert.equal(progress.isMoving, true);
});
