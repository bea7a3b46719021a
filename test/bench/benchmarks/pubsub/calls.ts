import type { Place } from './transport.ts';

/** What the bench asks of a publishing process, one call at a time. The answer is in ms, or in deliveries/s. */
export type Call =
  | { do: 'deliver'; subscribers: number; ms: number }
  | { do: 'latency'; messages: number }
  | { do: 'roundTrip'; messages: number }
  | { do: 'sync'; items: number };

export type Answer = { is: 'ready' } | { is: 'result'; value: number } | { is: 'failed'; reason: string };

/** What the publishing process tells the subscribing one. `burst`: messages of which it reports that all have them. */
export type Order =
  | { do: 'open'; subscribers: number; burst: number; answer: boolean }
  | { do: 'close'; messages: number }
  | { do: 'sync'; items: number };

/** And hears from it. */
export type Report =
  | { is: 'ready' }
  | { is: 'opened' }
  | { is: 'closed' }
  | { is: 'synchronized'; ms: number }
  | { is: 'burst'; atNs: number }
  | { is: 'failed'; reason: string };

/** How both processes are started. */
export interface Start {
  transport: string;
  place: Place;
}

/** Nanoseconds of the clock that all processes share. */
export function nowNs(): number {
  return Number(process.hrtime.bigint());
}
