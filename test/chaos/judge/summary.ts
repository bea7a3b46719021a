import { type ActionRecord, LATE_MS } from './ward.ts';

/** How a kind of action went. Times from when it was done until healthy, in milliseconds; null: there are none. */
export interface KindSummary {
  kind: string;
  effect: string;
  count: number;
  /** Of those that no other action met. */
  alone: Times;
  all: Times;
  /** Not healthy within LATE_MS of the last action that met it. */
  late: number;
}

export interface Times {
  count: number;
  median: number | null;
  p99: number | null;
  most: number | null;
}

/** By kind, what there was nothing to do to left out; the most frequent first. */
export function summarize(records: readonly ActionRecord[]): KindSummary[] {
  const kinds = new Map<string, ActionRecord[]>();
  for (const record of records) {
    if (!record.isIdle) kinds.set(record.kind, [...(kinds.get(record.kind) ?? []), record]);
  }
  return [...kinds]
    .map(([kind, of]) => ({
      kind,
      effect: of[0]!.effect,
      count: of.length,
      alone: timesOf(of.filter(({ isOverlapped }) => !isOverlapped)),
      all: timesOf(of),
      late: of.filter(isLate).length,
    }))
    .sort((a, b) => b.count - a.count);
}

function timesOf(records: readonly ActionRecord[]): Times {
  const times = records
    .map(({ healthyAfter }) => healthyAfter)
    .filter(time => time !== null)
    .sort((a, b) => a - b);
  return {
    count: records.length,
    median: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    most: times.at(-1) ?? null,
  };
}

/** Never healthy, or too long after the last action that met it. */
export function isLate({ isIdle, settledAfter }: ActionRecord): boolean {
  return !isIdle && (settledAfter === null || settledAfter > LATE_MS);
}

/** The value that so much of the sorted values is not above; null: there are none. */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
