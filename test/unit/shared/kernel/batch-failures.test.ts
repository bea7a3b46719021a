import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchFailures } from '../../../../shared/kernel/batch-failures.ts';

test('each failed line has what was said before it', () => {
  const stderr = [
    'Error: argument "x" is wrong: Unknown device type.',
    'Hint: see ip link help.',
    'Command failed -:2',
    'Cannot find device "v1"',
    'Command failed -:12',
    '',
  ].join('\n');
  assert.deepEqual(batchFailures(stderr), [
    { index: 1, reasons: ['Error: argument "x" is wrong: Unknown device type.', 'Hint: see ip link help.'] },
    { index: 11, reasons: ['Cannot find device "v1"'] },
  ]);
});

test('what names no line is no failure of one', () => {
  assert.deepEqual(batchFailures('Cannot open netlink socket: Permission denied\n'), []);
});
