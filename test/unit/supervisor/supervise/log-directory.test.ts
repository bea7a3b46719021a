import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { giveLogDirectory, openManagerLog } from '../../../../supervisor/supervise/log-directory.ts';

const UID = 3_000_000_001;
const OTHER = 3_000_000_002;

let base: string;
let directory: string;
let secret: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'nibox-logs-'));
  directory = join(base, 'log', 'ni1');
  secret = join(base, 'secret');
  writeFileSync(secret, 'secret', { mode: 0o600 });
  giveLogDirectory(directory, UID);
});
afterEach(() => rmSync(base, { recursive: true }));

/** Opens the log, writes a line, gives its content. */
function log(): string {
  const file = join(directory, 'manager.log');
  const fd = openManagerLog(file, UID);
  writeSync(fd, 'line\n');
  closeSync(fd);
  assert.equal(statSync(file).uid, UID);
  return readFileSync(file, 'utf8');
}

test('a manager’s log directory and log are its own and nobody else’s, and the log grows', () => {
  const { uid, mode } = statSync(directory);
  assert.deepEqual([uid, mode & 0o777], [UID, 0o700]);
  assert.equal(log(), 'line\n');
  assert.equal(log(), 'line\nline\n');
  assert.equal(statSync(join(directory, 'manager.log')).mode & 0o777, 0o600);
});

for (const [what, put] of [
  ['a symbolic link', (file: string) => symlinkSync(secret, file)],
  ['a hard link', (file: string) => linkSync(secret, file)],
  ['a dangling link', (file: string) => symlinkSync(join(base, 'made'), file)],
  ['a pipe', (file: string) => execFileSync('mkfifo', [file])],
  ['a directory', (file: string) => mkdirSync(join(file, 'in'), { recursive: true })],
] as const) {
  test(`${what} in place of the log gives nothing away and is replaced`, () => {
    put(join(directory, 'manager.log'));
    assert.equal(log(), 'line\n');
    assert.equal(readFileSync(secret, 'utf8'), 'secret');
    assert.equal(statSync(secret).uid, 0);
    assert.throws(() => statSync(join(base, 'made')));
  });
}

test('a manager with another uid gets what its predecessor wrote, but not what links lead to', () => {
  writeFileSync(join(directory, 'dnsmasq.log'), '');
  chownSync(join(directory, 'dnsmasq.log'), UID, UID);
  symlinkSync(secret, join(directory, 'symbolic'));
  linkSync(secret, join(directory, 'hard'));
  giveLogDirectory(directory, OTHER);
  assert.deepEqual(
    [directory, join(directory, 'dnsmasq.log'), secret].map(path => statSync(path).uid),
    [OTHER, OTHER, 0],
  );
});
