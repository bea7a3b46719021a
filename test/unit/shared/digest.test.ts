import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fingerprint, sha256 } from '../../../shared/digest.ts';

test('sha256 is that of node:crypto, for every length around the ends of blocks and for text', () => {
  for (let length = 0; length < 400; length++) {
    const bytes = randomBytes(length);
    assert.equal(sha256(bytes), createHash('sha256').update(bytes).digest('hex'), `${length} bytes`);
  }
  assert.equal(sha256('Zürich'), createHash('sha256').update('Zürich').digest('hex'));
});

test('a fingerprint is the same for the same content, as text or as bytes', () => {
  const text = 'table inet nibox { ü }\n'.repeat(100);
  assert.match(fingerprint(text), /^[0-9a-f]{16}$/);
  assert.equal(fingerprint(text), fingerprint(Buffer.from(text)));
  // Wherever the bytes lie in memory.
  assert.equal(fingerprint(Buffer.from(`x${text}`).subarray(1)), fingerprint(text));
});

test('a fingerprint is another one for each bit that is, each end that was cut, and pieces that changed places', () => {
  const content = randomBytes(61);
  const seen = new Set([fingerprint(content)]);
  let count = 1;
  const add = (bytes: Uint8Array) => {
    seen.add(fingerprint(bytes));
    count += 1;
  };
  for (let bit = 0; bit < content.length * 8; bit++) {
    const other = Buffer.from(content);
    other[bit >> 3]! ^= 1 << (bit & 7);
    add(other);
  }
  for (let length = 0; length < content.length; length++) add(content.subarray(0, length));
  for (const zeros of [1, 2, 3, 4]) add(Buffer.concat([content, Buffer.alloc(zeros)]));
  for (let at = 4; at < content.length; at += 4) add(Buffer.concat([content.subarray(at), content.subarray(0, at)]));
  assert.equal(seen.size, count);
});

test('among many like texts no two fingerprints are the same', () => {
  const texts = Array.from({ length: 50_000 }, (_, index) => `ip daddr 10.0.${index >> 8}.${index & 255} accept`);
  assert.equal(new Set(texts.map(fingerprint)).size, texts.length);
});
