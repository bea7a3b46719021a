import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SysctlLook } from '../../../../shared/reconcile/sysctl-look.ts';

test('a changed value is told once, until it is said anew what to expect', () => {
  const values = new Map([['a', '1']]);
  let told = 0;
  const look = new SysctlLook(
    () => (told += 1),
    path => values.get(path) ?? null,
  );
  look.expect(
    new Map([
      ['a', '1'],
      ['gone with its device', '1'],
    ]),
  );
  look.look();
  assert.equal(told, 0);
  values.set('a', '0');
  look.look();
  look.look();
  assert.equal(told, 1);
  look.expect(new Map([['a', '0']]));
  look.look();
  assert.equal(told, 1);
  look.stop();
});

test('of very many files some are read each time, and all in turn', () => {
  const read: string[] = [];
  const look = new SysctlLook(
    () => {},
    path => {
      read.push(path);
      return '1';
    },
  );
  look.expect(new Map(Array.from({ length: 450 }, (_, index) => [`${index}`, '1'])));
  for (let count = 0; count < 3; count += 1) look.look();
  assert.deepEqual([read.length, new Set(read).size], [600, 450]);
  look.stop();
});
