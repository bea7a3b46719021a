import { closeSync, openSync, writeSync } from 'node:fs';
import type { Log } from '../shared/log/log.ts';

/** pino's level numbers. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** Appends JSON lines as pino writes them to a file of the manager's own: a pipe would block or kill it when its reader is gone. */
export function openLog(file: string, name: string): Log & { close(): void } {
  const fd = openSync(file, 'a', 0o600);
  const write = (level: keyof typeof LEVELS) => (fields: object, message: string) => {
    const line = { level: LEVELS[level], time: Date.now(), pid: process.pid, name, ...fields, msg: message };
    try {
      writeSync(fd, `${JSON.stringify(line, plainErrors)}\n`);
    } catch {
      // A full disk must not end the data plane's keeper.
    }
  };
  return {
    debug: process.env.NIBOX_DEBUG ? write('debug') : () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    close: () => closeSync(fd),
  };
}

function plainErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { message: value.message, stack: value.stack } : value;
}
