import { formatLogLine } from './log-line.ts';
import { LogTail, lastLines } from './log-tail.ts';
import { type CommonOptions, clientOf } from './options.ts';
import { printLine } from './print.ts';

const intervalMs = 300;

export interface LogsOptions extends CommonOptions {
  follow?: boolean;
  lines: number;
}

/** `nibox logs`: the end of a log file, and with --follow what comes after it until nobody reads any more. */
export async function logs(ni: string | undefined, options: LogsOptions): Promise<void> {
  const path = await clientOf(options).logFile(ni ?? null);
  const { lines, end } = await lastLines(path, options.lines);
  for (const line of lines) printLine(formatLogLine(line));
  if (!options.follow) return;
  const tail = new LogTail(path, end);
  const timer = setInterval(() => {
    void tail.read().then(
      more =>
        more.forEach(line => {
          printLine(formatLogLine(line));
        }),
      () => {}, // between the two halves of a rotation there is no file
    );
  }, intervalMs);
  process.stdout.once('error', () => clearInterval(timer));
}
