import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nsfsMounts } from '../../../../supervisor/audit/mounts.ts';

test('mount points of namespaces are read, with blanks in them, and no others', () => {
  const text = [
    '30 20 0:4 net:[4026531840] /run/nibox/nb/ns/ni1/net rw shared:1 - nsfs nsfs rw',
    '31 20 0:4 user:[4026531837] /run/a\\040b rw - nsfs nsfs rw',
    '32 20 0:5 / /run rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  assert.deepEqual(nsfsMounts(text), ['/run/nibox/nb/ns/ni1/net', '/run/a b']);
});
