import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindTable } from '../../../../supervisor/namespaces/fstab.ts';

test('binds stand in their order, with blanks and backslashes written as fstab wants them', () => {
  const table = bindTable([
    { source: '/proc/7/ns/net', target: '/run/a b/net' },
    { source: '/run/a b/net', target: '/run/netns/\\x' },
  ]);
  assert.equal(table, '/proc/7/ns/net /run/a\\040b/net none bind\n/run/a\\040b/net /run/netns/\\134x none bind\n');
});
