import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export const usage = `usage: npm run chaos -- [--minutes N] [--seed S] [--healthy-within SECONDS] [--report FILE]
                         [--only KIND,...] [--without KIND,...]
       npm run chaos -- --kill manager|supervisor [--times N]`;

export interface ChaosOptions {
  minutes: number;
  /** Seconds from the last action until all must be healthy: how a quiet machine of two cores fares, or more on a busy one. */
  healthyWithin: number;
  seed: number;
  /** JSON report; null: none is written. */
  report: string | null;
  /** Beginnings of names of kinds of action; empty: all. */
  only: string[];
  without: string[];
}

export interface KillOptions {
  kill: 'manager' | 'supervisor';
  times: number;
}

/** Reads the command line. Throws with a sentence when it makes no sense. */
export function readOptions(args: readonly string[]): ChaosOptions | KillOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      'healthy-within': { type: 'string', default: '5' },
      report: { type: 'string' },
      only: { type: 'string', default: '' },
      without: { type: 'string', default: '' },
      kill: { type: 'string' },
      times: { type: 'string', default: '1000' },
    },
  });
  const { kill } = values;
  if (kill !== undefined) {
    if (kill !== 'manager' && kill !== 'supervisor') throw new Error(`--kill takes manager or supervisor, not ${kill}`);
    return { kill, times: positive('times', values.times) };
  }
  const list = (text: string) => text.split(',').filter(Boolean);
  return {
    minutes: positive('minutes', values.minutes),
    healthyWithin: positive('healthy-within', values['healthy-within']),
    seed: seedOf(values.seed),
    report: values.report ?? null,
    only: list(values.only),
    without: list(values.without),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${text}`);
  return value;
}

function seedOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new Error(`--seed takes a whole number from 0 to ${2 ** 32 - 1}, not ${text}`);
  }
  return value;
}
