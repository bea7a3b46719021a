import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openLog } from '../../../netns-manager/log.ts';

it('a flood of a manager’s log lines leaves little in its files, and tells how much was left out', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-log-'));
  try {
    const file = join(directory, 'manager.log');
    const log = openLog(file, 'ni1');
    log.limit({ maxBytes: 30_000, linesPerSecond: 50 });
    const flood = 5_000;
    for (let n = 0; n < flood; n += 1) log.info({ n }, 'again');
    log.close();
    const text = [`${file}.1`, file].map(path => readFileSync(path, 'utf8')).join('');
    const lines = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { msg: string; leftOut?: number });
    const leftOut = lines.reduce((sum, line) => sum + (line.leftOut ?? 0), 0);
    assert.equal(lines.filter(({ msg }) => msg === 'again').length + leftOut, flood);
    assert.ok(lines.length < 1_000, `${lines.length}`);
    assert.ok(statSync(file).size <= 30_000 + 200);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
