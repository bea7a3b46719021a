import { formatTable, type Result, runChecks } from '../../../test/conformance/index.ts';
import type { CommonOptions } from '../options.ts';
import { printJson } from '../print.ts';
import { findWorld, niboxOf } from './nibox-in-world.ts';

export interface CheckOptions extends CommonOptions {
  json?: boolean;
}

/** `nibox demo check`: 0 only if all that were asked for are ok; what belongs to another tier of tests must have been asked for by id. */
export async function check(ids: readonly string[], options: CheckOptions): Promise<number> {
  const world = await findWorld(options.prefix);
  const onResult = options.json ? () => {} : showProgress;
  const results = await runChecks({ world, nibox: niboxOf(options), ids, onResult });
  if (options.json) printJson(results);
  else process.stdout.write(`${formatTable(results)}`);
  return results.every(({ ok, status }) => ok || (status === 'other tier' && ids.length === 0)) ? 0 : 1;
}

/** Tells somebody who waits what has just been found; the table comes in the end. */
export function showProgress({ id, status }: Result): void {
  if (process.stderr.isTTY) process.stderr.write(`${id} ${status}\n`);
}
