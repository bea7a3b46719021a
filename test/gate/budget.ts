import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const FILE = 'test/gate/budget.json';
const budget = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, number>;

/** Fails when there is more of it than the budget allows. `found`: what was counted, for who has to find what is new. */
export function within(name: string, count: number, found: readonly string[]): void {
  const most = budget[name];
  assert.ok(most !== undefined, `${FILE} has no budget for ${JSON.stringify(name)}, which is ${count} now`);
  const remedy = `Make it cheaper again, or raise the budget in ${FILE}: then the change says openly what it costs`;
  assert.ok(
    count <= most,
    `${name}: ${count}, and the budget is ${most}. ${remedy}. Counted:\n  ${found.join('\n  ')}`,
  );
}
