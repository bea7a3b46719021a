import { messageOf } from '../api/api-error.ts';

/** Prints what went wrong and what to do, and gives the exit code. */
export function showError(cause: unknown): number {
  const { remedy, exitCode } = (cause ?? {}) as { remedy?: unknown; exitCode?: unknown };
  process.stderr.write(`nibox: ${messageOf(cause)}\n`);
  if (typeof remedy === 'string' && remedy !== '') process.stderr.write(`Remedy: ${remedy}\n`);
  return typeof exitCode === 'number' && exitCode > 0 ? exitCode : 1;
}
