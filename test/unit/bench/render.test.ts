import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../../bench/benchmark.ts';
import { withTables } from '../../bench/performance-page.ts';
import { judge, lineOf, markdownTable, significant } from '../../bench/render.ts';

const row = (goal?: Row['goal']): Row => {
  return {
    what: 'one',
    unit: 'ms',
    better: 'lower',
    contestants: [
      { name: 'nibox', role: 'nibox', samples: [14, 15, 16] },
      { name: 'empty', role: 'floor', samples: [10] },
      { name: 'other', role: 'peer', samples: [30, 20, 40] },
    ],
    ...(goal && { goal }),
  };
};

test('a line has median, spread, and how many times the others nibox takes', () => {
  assert.deepEqual(lineOf(row({ atMost: 1.5, times: 'empty' })), {
    what: 'one',
    nibox: '15 [14.5–15.5] ms',
    floor: 'empty: 10 (×1.5)',
    peers: 'other: 30 [25–35] (×0.5)',
    goal: 'met: at most ×1.5 of empty',
  });
  assert.equal(markdownTable([row()]).split('\n').length, 3);
});

test('a goal is a number or a share of another contestant, met on its own side', () => {
  assert.deepEqual(judge(row({ atMost: 14 })), { met: false, limit: 14, found: 15 });
  assert.deepEqual(judge(row({ atLeast: 0.5, times: 'other' })), { met: true, limit: 15, found: 15 });
  assert.equal(judge(row()), null);
  assert.throws(() => judge(row({ atMost: 1, times: 'nobody' })), /nobody, which was not measured/);
});

test('figures have three digits that count', () => {
  assert.deepEqual([0, 0.123456, 12.345, 999.6, 123456.7].map(significant), ['0', '0.123', '12.3', '1000', '123457']);
});

test('the tables take the place of the last ones, and the rest of the page stays', () => {
  const machine = { cores: 2, cpu: 'c', memoryGB: 1, kernel: 'k', node: 'n', commit: 'abc' };
  const result = {
    name: 'b',
    title: 'B',
    rows: [row()],
    error: null,
    seconds: 1,
    rounds: 3,
    at: '2026-01-02T03',
    machine,
  };
  const page = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n';
  const written = withTables(page, [result], ['a', 'b']);
  assert.match(written, /^before\n<!-- bench: begin -->\n### b\n\nB\. 2026-01-02, abc, 3 rounds in 1 s, /);
  assert.match(written, /15 \[14.5–15.5\] ms[\s\S]+\n<!-- bench: end -->\nafter\n$/);
  assert.doesNotMatch(written, /old/);
  assert.equal(withTables(written, [result], ['a', 'b']), written);
  assert.match(withTables(page, [{ ...result, rows: [], error: 'why' }], ['b']), /It failed: why/);
  // Those that did not run this time stay, in their place.
  const more = withTables(written, [{ ...result, name: 'a' }], ['a', 'b']);
  assert.ok(more.includes(written.slice(written.indexOf('### b'), written.indexOf('<!-- bench: end -->'))));
  assert.deepEqual(more.match(/^### ./gm), ['### a', '### b']);
  assert.throws(() => withTables('nothing', [], []), /needs the lines/);
});
