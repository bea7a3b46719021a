import { isWithinDomain } from '../dhcp/names.ts';
import { MAX_TTL_SECONDS } from '../dhcp/render.ts';

/**
 * How long an address stays in a host set after DNS last named it. Far above the cap on TTLs (MAX_TTL_SECONDS), so an app that
 * asks when it should is never locked out; and one that asks once and keeps talking is saved by its flows.
 */
export const HOLD_MS = 60 * 60_000;

/** An address in one of the sets of a host ACE. */
export interface HostSetElement {
  set: string;
  address: string;
}

export interface HostSet {
  domain: string;
  v4: string;
  v6: string;
}

export interface HostSetKeeperOptions {
  /** All elements of all host sets that DNS fills, without those that are there by configuration. */
  list: () => Promise<HostSetElement[]>;
  remove: (elements: HostSetElement[]) => Promise<void>;
  add: (elements: HostSetElement[]) => Promise<void>;
  /** Addresses that apps have flows with. */
  liveDestinations: () => Promise<ReadonlySet<string>>;
  /** Reads the query log up to now. */
  drainLog: () => Promise<void>;
  now?: () => number;
  holdMs?: number;
}

/**
 * Takes addresses out of host sets when DNS has not named them for long and no flow uses them. dnsmasq only ever adds, and
 * only when upstream answers, so what it serves from its cache counts here as named too.
 */
export class HostSetKeeper {
  readonly #options: HostSetKeeperOptions;
  readonly #now: () => number;
  readonly #holdMs: number;
  #sets: readonly HostSet[] = [];
  /** "<set> <address>" to when it was last named, used or first found. */
  readonly #lastSeen = new Map<string, number>();

  constructor(options: HostSetKeeperOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#holdMs = options.holdMs ?? HOLD_MS;
    if (this.#holdMs < MAX_TTL_SECONDS * 1_000 && options.holdMs === undefined) {
      throw new RangeError('an address must be held longer than answers are cached');
    }
  }

  /** Which sets there are now. */
  setHostSets(sets: readonly HostSet[]): void {
    this.#sets = sets;
  }

  /** An app was told that a name has an address. */
  named(name: string, address: string): void {
    for (const set of this.#sets) {
      if (isWithinDomain(name, set.domain)) this.#lastSeen.set(key(setFor(set, address), address), this.#now());
    }
  }

  /** Takes out what is due; gives what was taken out. Elements it meets for the first time get a full term. */
  async sweep(): Promise<HostSetElement[]> {
    await this.#options.drainLog();
    const elements = await this.#options.list();
    if (elements.length === 0) {
      this.#lastSeen.clear();
      return [];
    }
    const live = await this.#options.liveDestinations();
    const now = this.#now();
    const present = new Set(elements.map(({ set, address }) => key(set, address)));
    for (const known of this.#lastSeen.keys()) if (!present.has(known)) this.#lastSeen.delete(known);
    for (const { set, address } of elements) {
      const id = key(set, address);
      if (live.has(address) || !this.#lastSeen.has(id)) this.#lastSeen.set(id, now);
    }
    const seen = ({ set, address }: HostSetElement) => this.#lastSeen.get(key(set, address)) ?? now;
    const due = elements.filter(element => now - seen(element) >= this.#holdMs);
    if (due.length === 0) return [];
    for (const { set, address } of due) this.#lastSeen.delete(key(set, address));
    await this.#options.remove(due);
    // Named between the decision and the removal: dnsmasq found it still present then and did not add it.
    await this.#options.drainLog();
    const named = due.filter(({ set, address }) => this.#lastSeen.has(key(set, address)));
    if (named.length > 0) await this.#options.add(named);
    return due.filter(element => !named.includes(element));
  }
}

function setFor(set: HostSet, address: string): string {
  return address.includes(':') ? set.v6 : set.v4;
}

function key(set: string, address: string): string {
  return `${set} ${address}`;
}
