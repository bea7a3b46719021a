import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { onLines } from '../../../../shared/kernel/lines.ts';

test('lines come whole, in whatever pieces they arrive, and the last one without an end too', async () => {
  const output = new PassThrough();
  const lines: string[] = [];
  onLines(output, line => lines.push(line));
  const bytes = Buffer.from('one\n\nzwei mit ü\nlast');
  for (const byte of bytes) output.write(Buffer.of(byte));
  output.end();
  await finished(output);
  assert.deepEqual(lines, ['one', '', 'zwei mit ü', 'last']);
});
