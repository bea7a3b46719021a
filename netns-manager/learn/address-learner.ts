import type { Log } from '../../shared/log/log.ts';
import type { AppInterfaceConfig, SeenAddress } from '../../shared/proto/messages.ts';
import { LearntAddresses } from './learnt-addresses.ts';
import { readSightings } from './read.ts';

/** The kernel makes no event of what it notes, so it is read now and then, and at every chance while an app takes its addresses. */
const USUAL_MS = 10_000;
const EAGER_FOR_MS = 60_000;

/** Knows the addresses that the apps on a switch have taken. */
export class AddressLearner {
  readonly #log: Log;
  readonly #known = new LearntAddresses();
  #present: ReadonlySet<string> = new Set();
  #eagerUntil = 0;
  #next = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Reads the kernel's notes if it is time. `present`: the VIFs that exist. Gives whether it has read. */
  async look(apps: readonly AppInterfaceConfig[], present: ReadonlySet<string>, now = Date.now()): Promise<boolean> {
    if ([...present].some(vif => !this.#present.has(vif))) this.#eagerUntil = now + EAGER_FOR_MS;
    this.#present = present;
    if (now < this.#next && now >= this.#eagerUntil) return false;
    this.#next = now + USUAL_MS;
    try {
      this.#known.note(await readSightings(now), new Set(apps.map(({ mac }) => mac.toLowerCase())), now);
      return true;
    } catch (error) {
      // The table is missing for a moment while it is repaired; the next look comes soon.
      this.#log.warn({ error: String(error) }, 'the addresses of apps could not be read');
      return false;
    }
  }

  /** The addresses of an app's MAC, the best known first. */
  of(mac: string): SeenAddress[] {
    return this.#known.of(mac.toLowerCase());
  }

  /** Unix seconds until which the lease of a MAC counts; 0: it has none. */
  leaseExpiry(mac: string): number {
    return this.#known.leaseExpiry(mac.toLowerCase());
  }
}
