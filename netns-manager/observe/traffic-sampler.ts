import { readInterfaceTable } from '../flowlog/interface-counters.ts';

/** Reading takes at most this part of the time: with many network instances on a slow device it becomes rarer by itself. */
const SHARE = 1 / 20;

export interface TrafficSamplerOptions<T> {
  /** Reads what only packets change. Dear: it starts programs. */
  read: () => Promise<T>;
  /** Differs when packets have passed that matter. Cheaper. Default: the counters of all interfaces of this namespace. */
  traffic?: () => string | Promise<string>;
  /** Milliseconds, ever growing. */
  now?: () => number;
}

/** A value and the milliseconds since it was read. */
export interface Sample<T> {
  value: T;
  age: number;
}

/** Keeps the last reading of something that only packets change, so that a network instance at rest costs next to nothing. */
export class TrafficSampler<T> {
  readonly #options: Required<TrafficSamplerOptions<T>>;
  #last: { value: T; traffic: string; time: number } | null = null;
  #notBefore = 0;
  #reading: Promise<Sample<T>> | null = null;
  #invalidations = 0;

  constructor(options: TrafficSamplerOptions<T>) {
    this.#options = { traffic: readInterfaceTable, now: () => performance.now(), ...options };
  }

  /** Anew if packets have passed, and reading did not take too long lately. Two at a time are one. */
  sample(): Promise<Sample<T>> {
    if (this.#reading) return this.#reading;
    const reading = this.#sample().finally(() => {
      if (this.#reading === reading) this.#reading = null;
    });
    this.#reading = reading;
    return reading;
  }

  /** The next sample reads anew: something else than a packet changed it. */
  invalidate(): void {
    this.#last = null;
    this.#reading = null;
    this.#invalidations += 1;
  }

  async #sample(): Promise<Sample<T>> {
    const { read, now } = this.#options;
    const invalidations = this.#invalidations;
    const traffic = await this.#options.traffic();
    const start = now();
    const last = this.#last;
    if (last && (last.traffic === traffic || start < this.#notBefore))
      return { value: last.value, age: start - last.time };
    const value = await read();
    const end = now();
    // Not what was read before something else changed it.
    if (this.#invalidations === invalidations) this.#last = { value, traffic, time: start };
    this.#notBefore = end + (end - start) * (1 / SHARE - 1);
    return { value, age: end - start };
  }
}
