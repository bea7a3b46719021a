import { readFile } from 'node:fs/promises';
import { messageOf } from '../api/api-error.ts';
import { type CommonOptions, clientOf } from './options.ts';
import { printJson, printLine } from './print.ts';
import { describeIssue } from './validate.ts';

export interface ApplyOptions extends CommonOptions {
  dryRun?: boolean;
  json?: boolean;
}

/** `nibox apply`: 0 only if all of the config runs, or with --dry-run could be applied. */
export async function apply(file: string, options: ApplyOptions): Promise<number> {
  const { dryRun = false, json } = options;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`${file} can't be read (${messageOf(cause)})`, { cause });
  });
  const result = await clientOf(options).apply(text, file, { dryRun });
  const refused = result.issues.some(({ scope }) => scope !== 'warning');
  const succeeded = result.ok && !refused && (dryRun || (result.converged && result.problems.length === 0));
  if (json) {
    printJson(result);
    return succeeded ? 0 : 1;
  }
  for (const issue of result.issues) printLine(describeIssue(issue));
  for (const change of result.plan) printLine(`  ${change}`);
  for (const problem of result.problems) printLine(`ERROR: ${problem}`);
  if (!result.ok) printLine('Refused; nothing was changed.');
  else if (result.plan.length === 0) printLine('Nothing to change.');
  else if (dryRun) printLine(`${result.plan.length} changes, none made (dry run).`);
  else printLine(`${result.plan.length} changes made${result.converged ? '' : ', and not all of it runs yet'}.`);
  return succeeded ? 0 : 1;
}
