import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../../fuzz/fuzz.ts';

const FIXED_SEED = 4;
const FRAMES = 25_000;
/** What caches and the collector account for; a frame that stays would cost far more over the run. */
const MOST_GROWTH = 8 * 1024 * 1024;

for (const seed of [FIXED_SEED, Math.floor(Math.random() * 2 ** 31)]) {
  test(`${FRAMES} frames of any kind (seed ${seed}) end their own connections at most`, async () => {
    const report = await fuzz({ frames: FRAMES, seed });
    assert.equal(report.frames, FRAMES);
    assert.ok(report.heldAfter - report.heldBefore < MOST_GROWTH, JSON.stringify(report));
    for (const code of ['ERR_MALFORMED', 'ERR_FRAME_TOO_BIG', 'ERR_HELLO_EXPECTED', 'ERR_UNEXPECTED_FRAME', 'none']) {
      assert.ok((report.answers[code] ?? 0) > 0, `${code} was among the answers: ${JSON.stringify(report.answers)}`);
    }
  });
}
