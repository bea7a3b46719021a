import { resolve } from 'node:path';
import { type CommonOptions, clientOf } from './options.ts';
import { printJson, printLine } from './print.ts';

export interface UpgradeOptions extends CommonOptions {
  bundle?: string;
  json?: boolean;
}

/** `nibox upgrade`: returns when all managers are replaced, or one did not come into service: then with 1. */
export async function upgrade(options: UpgradeOptions): Promise<number> {
  const bundle = options.bundle === undefined ? undefined : resolve(options.bundle);
  const report = await clientOf(options).upgrade(bundle);
  const { version, replaced, failed, left } = report;
  if (options.json) printJson(report);
  else {
    for (const name of replaced) printLine(`${name}: ${version}`);
    if (failed) printLine(`${failed.name}: ${failed.reason}; it has its old code back`);
    if (left.length > 0) printLine(`not tried, with the old code: ${left.join(', ')}`);
    if (!failed && replaced.length === 0) printLine(`all managers are of version ${version}`);
  }
  return failed ? 1 : 0;
}
