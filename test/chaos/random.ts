/** Random numbers from a seed (mulberry32): the same seed gives the same program. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both possible. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('there is nothing to pick from');
    return from[this.between(0, from.length - 1)]!;
  }

  /** Picks by weight. */
  pickWeighted<T>(from: readonly T[], weight: (one: T) => number): T {
    let rest = this.next() * from.reduce((sum, one) => sum + weight(one), 0);
    for (const one of from) {
      rest -= weight(one);
      if (rest < 0) return one;
    }
    return this.pick(from);
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.between(0, 255)));
  }

  /** One of its own for a part whose number of draws depends on what it finds: the rest stays the same. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32));
  }
}
