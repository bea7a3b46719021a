import { formatIssue, jsonSchema, readConfigFile } from '../../shared/config/index.ts';
import type { Issue } from '../../shared/config/model.ts';
import { printJson, printLine } from './print.ts';

export interface ValidateOptions {
  json?: boolean;
  schema?: boolean;
}

/** `nibox validate`: 1 if anything was refused, 0 if there are warnings at most. */
export async function validate(file: string | undefined, { json, schema }: ValidateOptions): Promise<number> {
  if (schema) {
    printJson(jsonSchema());
    return 0;
  }
  if (file === undefined) throw new Error('validate takes the config file to look at, or --schema');
  const { config, issues, format } = await readConfigFile(file);
  const refused = issues.filter(({ scope }) => scope !== 'warning').length;
  if (json) {
    printJson({ ok: refused === 0, format, issues });
    return refused === 0 ? 0 : 1;
  }
  for (const issue of issues) printLine(describeIssue(issue));
  const warnings = issues.length - refused;
  const found = `${refused} refused, ${warnings} warning${warnings === 1 ? '' : 's'}`;
  const content = config
    ? `${config.networkInstances.length} network instances, ${config.apps.length} apps`
    : 'nothing of it can be applied';
  printLine(`${file} (${format}): ${content}; ${found}`);
  return refused === 0 ? 0 : 1;
}

/** One line, with what it means first. */
export function describeIssue(issue: Issue): string {
  const heads = {
    document: 'ERROR',
    ni: 'ERROR (network instance)',
    interface: 'ERROR (interface)',
    warning: 'warning',
  };
  return `${heads[issue.scope]}: ${formatIssue(issue)}`;
}
