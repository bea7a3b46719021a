import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMark, defaultDropMark, encodeMark, implicitMark, userMark } from '../../../../netns-manager/acl/mark.ts';

test('a mark decodes to what was encoded, whatever VIF, flags and ACE id', () => {
  const mark = fc.record({
    vif: fc.integer({ min: 0, max: 255 }),
    drop: fc.boolean(),
    user: fc.boolean(),
    ace: fc.integer({ min: 0, max: 0x3fffff }),
  });
  fc.assert(
    fc.property(mark, value => {
      const encoded = encodeMark(value);
      assert.ok(encoded >= 0 && encoded <= 0xffff_ffff);
      assert.deepEqual(decodeMark(encoded), { ...value });
    }),
  );
});

test('the layout is VIF number in the upper byte, drop in bit 23, user ACE in bit 22, ACE id below', () => {
  assert.equal(userMark(1, 2, false), 0x0140_0002);
  assert.equal(userMark(250, 1, true), 0xfac0_0001);
  assert.equal(defaultDropMark(3), 0x03bf_ffff);
  assert.equal(implicitMark(0, 7), 7);
});

test('a VIF number or ACE id that does not fit is refused', () => {
  assert.throws(() => userMark(256, 1, false), /VIF number 256/);
  assert.throws(() => userMark(1, 0x40_0000, false), /ACE id 4194304/);
  assert.throws(() => userMark(1, -1, false), /ACE id -1/);
});
