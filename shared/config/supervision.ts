import { initialValues, type Limit, type Limits } from './limit.ts';

/** How managers are watched and restarted. Times in seconds. */
export interface SupervisionLimits {
  /** Before the first restart of one that had not been in service for `stableAfter`; doubled from death to death. */
  restartDelay: number;
  restartDelayMax: number;
  /** One that had been in service so long is restarted at once. */
  stableAfter: number;
  /** So many deaths within the window are borne; one more, and it is failed. */
  crashLoopDeaths: number;
  crashLoopWindow: number;
  /** Until a failed one is tried again. */
  failedRetry: number;
  /** In service so long, earlier deaths count no more. */
  resetAfter: number;
  /** From the start of its process until it must be in service. */
  readyDeadline: number;
  pingInterval: number;
  /** Pings without an answer before it is suspected of hanging. */
  pingMisses: number;
  /** That a suspect has to answer after all: the device may have slept, or have been busy. */
  secondLook: number;
  /** From SIGABRT to SIGKILL. */
  abortGrace: number;
  /** From SIGTERM to SIGKILL. */
  stopGrace: number;
  /** In an upgrade, from one manager that is in service to the next. */
  upgradePause: number;
}

const DAY = 86_400;
const seconds = (initial: number, least: number, most: number): Limit => {
  return { initial, least, most, unit: 'seconds', isWhole: false };
};
const count = (initial: number, least: number, most: number): Limit => ({ initial, least, most, isWhole: true });

export const SUPERVISION: Limits<keyof SupervisionLimits> = {
  restartDelay: seconds(0.1, 0.01, 3600),
  restartDelayMax: seconds(30, 0.01, DAY),
  stableAfter: seconds(10, 0, DAY),
  crashLoopDeaths: count(5, 1, 1_000_000_000),
  crashLoopWindow: seconds(60, 1, DAY),
  failedRetry: seconds(300, 1, DAY),
  resetAfter: seconds(60, 0, DAY),
  readyDeadline: seconds(15, 1, 3600),
  pingInterval: seconds(2, 0.1, 3600),
  pingMisses: count(3, 1, 1000),
  secondLook: seconds(2, 0.1, 3600),
  abortGrace: seconds(5, 0, 3600),
  stopGrace: seconds(5, 0, 3600),
  upgradePause: seconds(2, 0, 3600),
};

export const SUPERVISION_DEFAULTS: SupervisionLimits = initialValues(SUPERVISION);
