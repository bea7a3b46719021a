import type { DnsRequest } from '../../shared/proto/messages.ts';
import { domainCovers, hostSetName } from '../acl/host-set.ts';
import { HOLD_MS, type HostSetElement } from './host-set-keeper.ts';

/** Addresses kept; more than host sets of a real NI hold. The oldest go first. */
const MAX_TOLD = 10_000;

/** What apps were told of the domains of host ACEs, so that the sets can be filled again after the rules were made anew. */
export class ToldAddresses {
  readonly #told = new Map<string, { element: HostSetElement; at: number }>();

  /** Takes an answer. `domains`: those of the NI's host ACEs. */
  note(request: DnsRequest, domains: readonly string[], now: number): void {
    for (const domain of domains.filter(candidate => domainCovers(candidate, request.hostName))) {
      for (const address of request.addresses) {
        const set = hostSetName(domain, address.includes(':') ? 6 : 4);
        const key = `${set} ${address}`;
        this.#told.delete(key);
        this.#told.set(key, { element: { set, address }, at: now });
      }
    }
    for (const key of this.#told.keys()) {
      if (this.#told.size <= MAX_TOLD) break;
      this.#told.delete(key);
    }
  }

  /** Takes over what a predecessor's sets hold. */
  adopt(elements: readonly HostSetElement[], now: number): void {
    for (const element of elements) this.#told.set(`${element.set} ${element.address}`, { element, at: now });
  }

  /** The elements of domains that still count, told not longer ago than sets hold them. */
  elements(domains: readonly string[], now: number): HostSetElement[] {
    const sets = new Set(domains.flatMap(domain => [hostSetName(domain, 4), hostSetName(domain, 6)]));
    return [...this.#told.values()]
      .filter(({ element, at }) => sets.has(element.set) && now - at < HOLD_MS)
      .map(({ element }) => element);
  }
}
