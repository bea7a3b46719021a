import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bootStockKernel, consoleLog } from './boot.ts';
import type { CaseResult } from './payload/case.ts';

it('Debian’s stock kernel', async t => {
  const results: CaseResult[] = [];
  const subtests: Promise<void>[] = [];
  const console = await bootStockKernel(result => {
    results.push(result);
    const { title, ok, detail, ms } = result;
    subtests.push(
      t.test(`${title} (${(ms / 1000).toFixed(1)} s in the guest)`, subtest => {
        if (detail) subtest.diagnostic(detail);
        assert.ok(ok, detail);
      }),
    );
  });
  await Promise.all(subtests);
  if (results.some(({ ok }) => !ok)) process.stderr.write(`The guest's console (${consoleLog()}):\n${console}\n`);
});
