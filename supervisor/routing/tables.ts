import type { ActualRoute } from './actual.ts';

const size = 4096;
const half = size / 2;
const lowest = 1_000_000;

/** Whether a routing table is one of some nibox, ours or another prefix's. */
export const isNiboxTable = (table: number) => table >= lowest && table < lowest + 0x10000 * size;

/** The routing tables of one prefix: a block of 4096, the first half for uplinks, the second for network instances. */
export class TableNumbers {
  readonly #base: number;
  /** Index by uplink: kept over restarts, or a new uplink would renumber those of running instances. */
  readonly uplinks: Record<string, number>;

  constructor(prefix: string, uplinks: Record<string, number>) {
    this.#base = lowest + fnv1a16(prefix) * size;
    this.uplinks = uplinks;
  }

  /** Small number of an uplink, given at first sight. */
  indexOf(uplink: string): number {
    const known = this.uplinks[uplink];
    if (known !== undefined) return known;
    const taken = new Set(Object.values(this.uplinks));
    let index = 0;
    while (taken.has(index)) index++;
    if (index >= half) throw new Error(`more than ${half} uplinks`);
    this.uplinks[uplink] = index;
    return index;
  }

  /** Takes over the numbers that routes in the kernel tell of: for when nothing else does. */
  learn(routes: readonly ActualRoute[]): void {
    for (const { table, dev, type = 'unicast' } of routes) {
      const index = Number(table) - this.#base;
      // In an uplink's table only its own exits are plain routes; those to transit links are local.
      if (!(index >= 0 && index < half) || dev === undefined || type !== 'unicast') continue;
      if (!Object.values(this.uplinks).includes(index)) this.uplinks[dev] ??= index;
    }
  }

  ofUplink(uplink: string): number {
    return this.#base + this.indexOf(uplink);
  }

  ofInstance(number: number): number {
    if (number >= half) throw new Error(`network instance number ${number} is over ${half - 1}`);
    return this.#base + half + number;
  }

  owns(table: number): boolean {
    return table >= this.#base && table < this.#base + size;
  }
}

function fnv1a16(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return (hash >>> 16) ^ (hash & 0xffff);
}
