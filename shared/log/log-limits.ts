/** How much a process may log. */
export interface LogLimits {
  /** Of each file; its one predecessor takes as much. */
  maxBytes: number;
  /** In the long run; ten times as many at once. */
  linesPerSecond: number;
}

/** Until the config is known. */
export const DEFAULT_LOG_LIMITS: Readonly<LogLimits> = { maxBytes: 1 << 20, linesPerSecond: 100 };

/** A file's predecessor. */
export const predecessor = (file: string) => `${file}.1`;
