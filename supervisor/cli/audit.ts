import { messageOf } from '../api/api-error.ts';
import { NotRunningError } from '../api/client.ts';
import type { AuditReport } from '../audit/audit.ts';
import { type CommonOptions, clientOf, runDirectoryOf } from './options.ts';
import { columns, printJson, printLine } from './print.ts';

export interface AuditOptions extends CommonOptions {
  stateDir?: string;
  fix?: boolean;
  json?: boolean;
}

const FOUND = 1;
const COULD_NOT_LOOK = 2;

/** `nibox audit`: 0 nothing is left without an owner, 1 something is, 2 it could not look. */
export async function audit(options: AuditOptions): Promise<number> {
  let report: AuditReport;
  try {
    report = await ask(options);
  } catch (cause) {
    // Whatever it was: it says nothing of what is there.
    throw Object.assign(cause instanceof Error ? cause : new Error(messageOf(cause)), { exitCode: COULD_NOT_LOOK });
  }
  const { findings } = report;
  if (options.json) printJson(report);
  else for (const line of formatAudit(report)) printLine(line);
  return findings.length > 0 ? FOUND : 0;
}

async function ask(options: AuditOptions): Promise<AuditReport> {
  const fix = options.fix ?? false;
  try {
    return await clientOf(options).audit(fix);
  } catch (cause) {
    if (!(cause instanceof NotRunningError)) throw cause;
  }
  const { auditWithoutDaemon } = await import('../audit/without-daemon.ts');
  const stateDirectory = options.stateDir ?? `/var/lib/nibox/${options.prefix}`;
  return auditWithoutDaemon({ prefix: options.prefix, runDirectory: runDirectoryOf(options), stateDirectory }, fix);
}

/** The report for a terminal. */
export function formatAudit({ by, findings, removed, problems }: AuditReport): string[] {
  const table = (found: AuditReport['findings']) =>
    columns(
      ['KIND', 'NAME', 'WHY', 'REMOVAL'],
      found.map(({ kind, name, why, how }) => [kind, name, why, how]),
    );
  return [
    ...(by === 'config' ? ['No daemon runs: what the last good config wants counts as owned.', ''] : []),
    ...(removed.length > 0 ? [`Removed ${removed.length}:`, ...table(removed), ''] : []),
    ...(findings.length > 0
      ? [`Without an owner: ${findings.length}`, ...table(findings)]
      : ['Nothing is without an owner.']),
    ...problems.map(problem => `ERROR: ${problem}`),
  ];
}
