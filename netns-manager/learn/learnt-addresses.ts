import type { SeenAddress } from '../../shared/proto/messages.ts';
import type { Sighting } from './read.ts';

/** An app that has more addresses than that shows the others only when these are gone. */
const MOST_PER_MAC = 64;
/** Best known first: who gave it knows more than who claims it. */
const SOURCES: readonly Sighting['source'][] = ['dhcp', 'arp', 'nd'];
/** The kernel tells its times in whole seconds. */
const ROUNDING_MS = 2_000;

/**
 * The addresses of apps by what was seen of them. It remembers by itself until when each counts, so nothing is lost when the rules,
 * and the kernel's notes with them, are made anew.
 */
export class LearntAddresses {
  /** MAC -> `<source> <address>` -> sighting. */
  readonly #known = new Map<string, Map<string, Sighting>>();

  /** Takes what was read, for these MACs only; what is over or belongs to others is forgotten. */
  note(sightings: readonly Sighting[], macs: ReadonlySet<string>, now: number): void {
    for (const mac of this.#known.keys()) if (!macs.has(mac)) this.#known.delete(mac);
    for (const sighting of sightings) if (macs.has(sighting.mac)) this.#take(sighting);
    for (const of of this.#known.values()) {
      for (const [key, { until }] of of) if (until <= now) of.delete(key);
    }
  }

  /** The addresses of a MAC, each once, by the best source that tells of it. */
  of(mac: string): SeenAddress[] {
    const sightings = [...(this.#known.get(mac)?.values() ?? [])].sort(byWorth);
    const seen = new Map<string, SeenAddress>();
    for (const { address, source } of sightings) if (!seen.has(address)) seen.set(address, { address, source });
    return [...seen.values()].slice(0, MOST_PER_MAC);
  }

  /** Unix seconds until which its DHCP lease counts; 0: it has none. */
  leaseExpiry(mac: string): number {
    const lease = [...(this.#known.get(mac)?.values() ?? [])].find(({ source }) => source === 'dhcp');
    return lease ? Math.round(lease.until / 1000) : 0;
  }

  #take(sighting: Sighting): void {
    const { mac, source, address } = sighting;
    const of = this.#known.get(mac) ?? new Map<string, Sighting>();
    this.#known.set(mac, of);
    const key = `${source} ${address}`;
    if (source === 'dhcp') {
      // An interface has one lease: the last.
      const other = [...of.values()].find(known => known.source === 'dhcp' && known.address !== address);
      if (other && other.seen > sighting.seen) return;
      if (other) of.delete(`dhcp ${other.address}`);
    }
    const before = of.get(key);
    if (!before || sighting.seen > before.seen + ROUNDING_MS) of.set(key, sighting);
  }
}

/** By source, then addresses that others can use before link-local ones, then by text, so that the order does not jump. */
function byWorth(a: Sighting, b: Sighting): number {
  return (
    SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source) ||
    Number(isLinkLocal(a)) - Number(isLinkLocal(b)) ||
    (a.address < b.address ? -1 : 1)
  );
}

function isLinkLocal({ address }: Sighting): boolean {
  return address.startsWith('fe80:') || address.startsWith('169.254.');
}
