import type { DnsRequest } from '../../shared/proto/messages.ts';

/** How many of the last DNS requests are published. */
export const DNS_REQUEST_SLOTS = 128;

/** Publishes DNS requests in a ring of slots: each replaces the oldest. */
export class DnsRequestRing {
  readonly #publish: (key: string, request: DnsRequest) => void;
  #next = 0;

  constructor(publish: (key: string, request: DnsRequest) => void) {
    this.#publish = publish;
  }

  add(request: DnsRequest): void {
    this.#publish(String(this.#next), request);
    this.#next = (this.#next + 1) % DNS_REQUEST_SLOTS;
  }
}
