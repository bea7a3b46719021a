import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';

export const SUPERVISOR_LOG = 'supervisor.log';

/** The supervisor's log: JSON lines to a file and, for who runs it in the foreground, to standard output. */
export function openSupervisorLog(directory: string): pino.Logger {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const file = pino.destination({ dest: join(directory, SUPERVISOR_LOG), sync: true });
  return pino({ base: { name: 'supervisor' } }, pino.multistream([{ stream: file }, { stream: process.stdout }]));
}
