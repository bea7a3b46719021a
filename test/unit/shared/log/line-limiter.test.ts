import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineLimiter } from '../../../../shared/log/line-limiter.ts';

function limiter(linesPerSecond: number) {
  const written: string[] = [];
  const clock = { now: 0 };
  const made = new LineLimiter({
    linesPerSecond,
    write: line => written.push(line),
    tell: leftOut => `left out: ${leftOut}`,
    now: () => clock.now,
  });
  return { made, written, clock };
}

describe('a limit on log lines', () => {
  it('lets ten seconds’ worth pass at once, and tells how many it has left out when there is room again', () => {
    const { made, written, clock } = limiter(10);
    for (let n = 0; n < 250; n += 1) made.write(`${n}`);
    assert.equal(written.length, 100);
    assert.equal(written.at(-1), '99');
    clock.now = 1_000;
    made.write('next');
    assert.deepEqual(written.slice(100), ['left out: 150', 'next']);
    made.close();
    assert.equal(written.length, 102);
  });

  it('in a flood that does not end, writes no more than the rate, notes included', () => {
    const { made, written, clock } = limiter(10);
    for (let n = 0; n < 100; n += 1) made.write('start');
    written.length = 0;
    for (clock.now = 0; clock.now < 60_000; clock.now += 5) made.write('x');
    assert.ok(written.length <= 600 && written.length > 500, `${written.length}`);
    const notes = written.filter(line => line.startsWith('left out')).map(line => Number(line.split(': ')[1]));
    made.close();
    const all = written.filter(line => line.startsWith('left out')).map(line => Number(line.split(': ')[1]));
    assert.ok(notes.length > 10);
    const passed = written.filter(line => line === 'x').length;
    assert.equal(
      all.reduce((sum, count) => sum + count, passed),
      12_000,
      'every line is there or counted',
    );
  });

  it('tells what was left out after a while, also when nobody logs any more', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { made, written, clock } = limiter(1);
    for (let n = 0; n < 15; n += 1) made.write('x');
    assert.equal(written.length, 10);
    for (let second = 0; second < 3; second += 1) {
      clock.now += 1_000;
      t.mock.timers.tick(1_000);
    }
    assert.deepEqual(written.slice(10), ['left out: 5']);
  });

  it('follows a change of the limit', () => {
    const { made, written } = limiter(100);
    made.linesPerSecond = 2;
    for (let n = 0; n < 50; n += 1) made.write('x');
    assert.equal(written.length, 20);
    made.close();
  });
});
