/** What writes log lines: the supervisor's pino and the manager's own writer both fit. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For those who were given no log. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
