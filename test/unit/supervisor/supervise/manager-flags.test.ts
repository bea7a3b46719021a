import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { managerFlags } from '../../../../supervisor/supervise/manager-flags.ts';

test('Node.js takes the flags of a manager, and says nothing about them', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...managerFlags(), '-e', 'console.log(1)'], {
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '1\n', stderr: '' });
});

test('a later Node.js is not given an option that it does not know', () => {
  assert.ok(managerFlags('v22.23.3').includes('--no-expose-wasm'));
  assert.ok(!managerFlags('v24.21.0').includes('--no-expose-wasm'));
  assert.ok(!managerFlags('v26.10.0').includes('--no-expose-wasm'));
});
