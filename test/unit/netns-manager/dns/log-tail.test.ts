import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { LogTail } from '../../../../netns-manager/dns/log-tail.ts';

let directory: string;
let file: string;
let lines: string[];
let reopened: number;
let tail: LogTail;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'log-tail-'));
  file = join(directory, 'log');
  lines = [];
  reopened = 0;
  tail = new LogTail({
    file,
    maxBytes: () => 1_000,
    onLine: line => void lines.push(line),
    reopen: () => void reopened++,
    onError: assert.ifError,
  });
});

afterEach(async () => {
  await tail.close();
  rmSync(directory, { recursive: true });
});

test('it starts at the end, and gives whole lines only', async () => {
  writeFileSync(file, 'old\n');
  await tail.start();
  appendFileSync(file, 'one\ntw');
  await tail.drain();
  assert.deepEqual(lines, ['one']);
  appendFileSync(file, 'o\n');
  await tail.drain();
  assert.deepEqual(lines, ['one', 'two']);
});

test('a file that comes later is read from its start', async () => {
  await tail.start();
  writeFileSync(file, 'one\n');
  await tail.drain();
  assert.deepEqual(lines, ['one']);
});

test('a file that is emptied is read from its start', async () => {
  writeFileSync(file, 'old line that is longer\n');
  await tail.start();
  writeFileSync(file, 'new\n');
  await tail.drain();
  assert.deepEqual(lines, ['new']);
});

test('a file beyond its limit is put aside once, and no line is lost in between', async () => {
  writeFileSync(file, '');
  await tail.start();
  appendFileSync(file, `${'x'.repeat(1_001)}\n`);
  await tail.drain();
  assert.equal(reopened, 1);
  assert.equal(existsSync(file), false);
  appendFileSync(`${file}.1`, 'written before the writer went over\n');
  await tail.drain();
  await tail.drain();
  assert.equal(reopened, 1);
  appendFileSync(`${file}.1`, 'the last one there\n');
  writeFileSync(file, 'first in the new file\n');
  await tail.drain();
  assert.deepEqual(lines.slice(1), [
    'written before the writer went over',
    'the last one there',
    'first in the new file',
  ]);
  assert.match(readFileSync(`${file}.1`, 'utf8'), /^x+\n/);
});
