import { readInterfaceTable } from '../flowlog/interface-counters.ts';

/** Reading takes at most this part of the time: with many network instances on a slow device it becomes rarer by itself. */
const SHARE = 1 / 20;

export interface TrafficSamplerOptions<T> {
  /** Reads what only packets change. Dear: it starts programs. */
  read: () => Promise<T>;
  /** Differs when packets have passed. Cheap. Default: the counters of all interfaces of this namespace. */
  traffic?: () => string;
  /** Milliseconds, ever growing. */
  now?: () => number;
}

/** Keeps the last reading of something that only packets change, so that a network instance at rest costs next to nothing. */
export class TrafficSampler<T> {
  readonly #options: Required<TrafficSamplerOptions<T>>;
  #last: { value: T; traffic: string; time: number } | null = null;
  #notBefore = 0;

  constructor(options: TrafficSamplerOptions<T>) {
    this.#options = { traffic: readInterfaceTable, now: () => performance.now(), ...options };
  }

  /** The value and the milliseconds since it was read: anew if packets have passed, and reading did not take too long lately. */
  async sample(): Promise<{ value: T; age: number }> {
    const { read, now } = this.#options;
    const traffic = this.#options.traffic();
    const start = now();
    const last = this.#last;
    if (last && (last.traffic === traffic || start < this.#notBefore))
      return { value: last.value, age: start - last.time };
    const value = await read();
    const end = now();
    this.#last = { value, traffic, time: start };
    this.#notBefore = end + (end - start) * (1 / SHARE - 1);
    return { value, age: end - start };
  }

  /** The next sample reads anew: something else than a packet changed it. */
  invalidate(): void {
    this.#last = null;
  }
}
