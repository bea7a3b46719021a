import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inPrivateView, viewTable } from '../../../../supervisor/namespaces/private-view.ts';

const VIEW = {
  directory: '/run/nibox/nb/ns/ni1',
  hidden: ['/tmp', '/var/tmp', '/run/nibox/nb', '/var/lib/nibox/nb', '/var/log/nibox/nb', '/var/log/nibox/nb/deeper'],
  kept: ['/run/nibox/nb/ni/ni1', '/var/log/nibox/nb/with blank', '/run/nibox/nb/code'],
  tunDevice: false,
};

test('the table covers what is hidden, once, before it shows what is kept', () => {
  assert.deepEqual(viewTable(VIEW).split('\n'), [
    'nibox-view /run tmpfs size=64k,mode=755,nosuid,noexec,nodev',
    'nibox-view /tmp tmpfs size=64k,mode=755,nosuid,noexec,nodev',
    'nibox-view /var/lib/nibox/nb tmpfs size=64k,mode=755,nosuid,noexec,nodev',
    'nibox-view /var/log/nibox/nb tmpfs size=64k,mode=755,nosuid,noexec,nodev',
    'nibox-view /var/tmp tmpfs size=64k,mode=755,nosuid,noexec,nodev',
    '/proc/self/fd/7 /run/nibox/nb/ni/ni1 none bind,X-mount.mkdir',
    '/proc/self/fd/8 /var/log/nibox/nb/with\\040blank none bind,X-mount.mkdir',
    '/proc/self/fd/9 /run/nibox/nb/code none bind,X-mount.mkdir',
    'nibox-dev /dev tmpfs dev,size=64k,mode=755,nosuid,noexec',
    'nibox-proc /proc proc nosuid,nodev,noexec,hidepid=2',
    '',
  ]);
});

test('without a user namespace the program gets the uid and no more capabilities than in one', () => {
  const command = inPrivateView(VIEW, { namespaces: '/run/nibox/nb/ns', sealed: false, uid: 200_000 }, ['program']);
  const words = command.join(' ');
  assert.match(words, /--reuid 200000 --regid 200000 --clear-groups/);
  assert.match(words, /--bounding-set=-all,\+net_admin,\+net_raw,\+net_bind_service --no-new-privs/);
  assert.doesNotMatch(words, /--user=/);
  assert.equal(command.at(-1), 'program');
});
