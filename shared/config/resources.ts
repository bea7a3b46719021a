import { initialValues, type Limit, type Limits } from './limit.ts';

/** What one network instance's manager and its services may take of the device. */
export interface ResourceLimits {
  /** MiB. Beyond it they are slowed down and made to give back. */
  memoryHigh: number;
  /** MiB. Who goes beyond is ended and started anew. */
  memoryMax: number;
  /** Processes and threads. */
  pidsMax: number;
  /** File descriptors of one process. */
  openFiles: number;
  /** KiB. A log file beyond it becomes `<file>.1`, and a new one begins. */
  logSize: number;
  /** Lines a second in the long run; ten times as many at once. */
  logLines: number;
}

const whole = (unit: string, initial: number, least: number, most: number): Limit => {
  return { initial, least, most, unit, isWhole: true };
};

/** Node takes some 60 MiB and a dozen threads, charon 10 MiB and 20 threads: the defaults leave room for several times that. */
export const RESOURCES: Limits<keyof ResourceLimits> = {
  memoryHigh: whole('MiB', 256, 16, 1_048_576),
  memoryMax: whole('MiB', 384, 16, 1_048_576),
  pidsMax: whole('processes', 256, 32, 4_194_304),
  openFiles: whole('file descriptors', 4096, 256, 1_048_576),
  logSize: whole('KiB', 1024, 16, 1_048_576),
  logLines: whole('lines a second', 100, 1, 100_000),
};

export const RESOURCE_DEFAULTS: ResourceLimits = initialValues(RESOURCES);
