import { LineLimiter } from '../shared/log/line-limiter.ts';
import type { Log } from '../shared/log/log.ts';
import { LogFile } from '../shared/log/log-file.ts';
import { DEFAULT_LOG_LIMITS, type LogLimits } from '../shared/log/log-limits.ts';

/** pino's level numbers. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

export interface ManagerLog extends Log {
  limit(limits: LogLimits): void;
  close(): void;
}

/** Appends JSON lines as pino writes them to a file of the manager's own: a pipe would block or kill it when its reader is gone. */
export function openLog(path: string, name: string): ManagerLog {
  const file = new LogFile(path, DEFAULT_LOG_LIMITS.maxBytes, 0o600);
  const limiter = new LineLimiter({
    linesPerSecond: DEFAULT_LOG_LIMITS.linesPerSecond,
    write: line => file.write(line),
    tell: leftOut => render('warn', { leftOut }, `${leftOut} lines were left out: too many at once`),
  });
  return {
    debug: process.env.NIBOX_DEBUG ? write('debug') : () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    limit({ maxBytes, linesPerSecond }) {
      file.maxBytes = maxBytes;
      limiter.linesPerSecond = linesPerSecond;
    },
    close() {
      limiter.close();
      file.close();
    },
  };

  function write(level: keyof typeof LEVELS) {
    return (fields: object, message: string) => limiter.write(render(level, fields, message));
  }

  function render(level: keyof typeof LEVELS, fields: object, message: string): string {
    const line = { level: LEVELS[level], time: Date.now(), pid: process.pid, name, ...fields, msg: message };
    return `${JSON.stringify(line, plainErrors)}\n`;
  }
}

function plainErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { message: value.message, stack: value.stack } : value;
}
