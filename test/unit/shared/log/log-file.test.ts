import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { LogFile } from '../../../../shared/log/log-file.ts';
import { LogTail, lastLines } from '../../../../supervisor/cli/log-tail.ts';

let directory = '';
const path = () => join(directory, 'some.log');
const lines = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nibox-log-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a log file that stays short', () => {
  it('beyond its size becomes its own predecessor, without losing a line or another writer', () => {
    const log = new LogFile(path(), 1_000, 0o600);
    const other = openSync(path(), 'a');
    for (let n = 0; n < 30; n += 1) log.write(`${n} ${'x'.repeat(40)}\n`);
    writeSync(other, 'of another writer\n');
    closeSync(other);
    log.close();
    const numbers = [...lines(`${path()}.1`), ...lines(path())].map(line => line.split(' ')[0]);
    assert.deepEqual(numbers, [...Array.from({ length: 30 }, (_, n) => `${n}`), 'of']);
    assert.ok(statSync(path()).size < 1_100);
    assert.equal(statSync(`${path()}.1`).mode & 0o777, 0o600, 'nobody else may read the predecessor either');
  });

  it('begins anew when somebody has moved it away', () => {
    const log = new LogFile(path(), 1_000, 0o600);
    log.write('one\n');
    renameSync(path(), `${path()}.old`);
    log.write('two\n');
    log.close();
    assert.deepEqual([lines(`${path()}.old`), lines(path())], [['one'], ['two']]);
  });

  it('writes over no file that a link in place of the predecessor leads to', () => {
    const victim = join(directory, 'victim');
    writeFileSync(victim, 'mine');
    symlinkSync(victim, `${path()}.1`);
    symlinkSync(victim, `${path()}.1.new`);
    const log = new LogFile(path(), 100, 0o600);
    for (let n = 0; n < 10; n += 1) log.write(`${'x'.repeat(40)}\n`);
    log.close();
    assert.equal(readFileSync(victim, 'utf8'), 'mine');
  });
});

describe('following a log file', () => {
  const follow = async (rotate: () => void) => {
    writeFileSync(path(), 'a\nb\n');
    const { end } = await lastLines(path(), 1);
    const tail = new LogTail(path(), end);
    appendFileSync(path(), 'c\n');
    const seen = await tail.read();
    appendFileSync(path(), 'd\n');
    rotate();
    appendFileSync(path(), 'e\nf\n');
    seen.push(...(await tail.read()));
    appendFileSync(path(), 'g\n');
    seen.push(...(await tail.read()), ...(await tail.read()));
    return seen;
  };

  it('goes on across a rotation by moving', async () => {
    assert.deepEqual(await follow(() => renameSync(path(), `${path()}.1`)), ['c', 'd', 'e', 'f', 'g']);
  });

  it('goes on across a rotation by copying and emptying', async () => {
    const rotate = () => {
      const log = new LogFile(path(), 1, 0o600);
      log.write('');
      log.close();
    };
    assert.deepEqual(await follow(rotate), ['c', 'd', 'e', 'f', 'g']);
  });

  it('begins at the start of a file that somebody has emptied', async () => {
    assert.deepEqual(await follow(() => writeFileSync(path(), '')), ['c', 'e', 'f', 'g']);
  });
});
