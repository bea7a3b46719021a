import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { LineLimiter } from '../shared/log/line-limiter.ts';
import type { Log } from '../shared/log/log.ts';
import { LogFile } from '../shared/log/log-file.ts';
import { DEFAULT_LOG_LIMITS, type LogLimits } from '../shared/log/log-limits.ts';

export const SUPERVISOR_LOG = 'supervisor.log';

/** pino's number. */
const WARN = 40;

/**
 * The supervisor's log: JSON lines to a file and, for who runs it in the foreground, to standard output. A disk that is full or
 * read-only costs lines, never the supervisor.
 */
export function openSupervisorLog(directory: string): { log: Log; limit: (limits: LogLimits) => void } {
  process.stdout.on('error', () => {}); // its reader is gone, or its disk is full
  const path = join(directory, SUPERVISOR_LOG);
  let file: LogFile | null = null;
  let problem: Error | null = null;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    file = new LogFile(path, DEFAULT_LOG_LIMITS.maxBytes, 0o644);
  } catch (error) {
    problem = error as Error;
  }
  const limiter = new LineLimiter({
    linesPerSecond: DEFAULT_LOG_LIMITS.linesPerSecond,
    write(line) {
      file?.write(line);
      process.stdout.write(line);
    },
    tell(leftOut) {
      const msg = `${leftOut} lines were left out: too many at once`;
      return `${JSON.stringify({ level: WARN, time: Date.now(), name: 'supervisor', leftOut, msg })}\n`;
    },
  });
  const log = pino({ base: { name: 'supervisor' } }, limiter);
  if (problem) {
    log.error({ err: problem, file: path }, `${path} can't be written; the log goes to standard output alone`);
  }
  return {
    log,
    limit({ maxBytes, linesPerSecond }) {
      if (file) file.maxBytes = maxBytes;
      limiter.linesPerSecond = linesPerSecond;
    },
  };
}
