import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gidOf } from '../../../supervisor/api/group.ts';
import { ownDirectory } from '../../../supervisor/own-directory.ts';

test('a directory is made, and refused when others may write to it', () => {
  const parent = mkdtempSync(join(tmpdir(), 'nibox-own-'));
  const path = join(parent, 'a/b');
  try {
    ownDirectory(path, 0o700);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    chmodSync(path, 0o775);
    assert.throws(() => ownDirectory(path, 0o700), /others could exchange files in it; `chown root/);
  } finally {
    rmSync(parent, { recursive: true });
  }
});

test('a group is found by its name', () => {
  assert.equal(gidOf('root'), 0);
  assert.throws(() => gidOf('no-such-group'), /there is no group no-such-group in \/etc\/group/);
});
