import type { DnsRequest } from '../../shared/proto/messages.ts';
import { parseQueryLogLine } from './query-log-line.ts';

/** Lines of one answer come in one burst; after this long without another one it is complete. */
const QUIET_MS = 500;
/** Queries that wait for their answer. Upstream may never answer: the oldest go. */
const MAX_OPEN = 1_000;
/** Addresses kept of one answer; a longer list is somebody's mistake. */
const MAX_ADDRESSES = 64;

interface OpenQuery extends DnsRequest {
  /** Unix milliseconds of the last address. */
  answered: number;
}

/** Puts the lines of the query log together: which name a client asked for, and what it was told. */
export class Answers {
  readonly #open = new Map<number, OpenQuery>();
  readonly #onAddress: (name: string, address: string) => void;
  readonly #onRequest: (request: DnsRequest) => void;

  /** `onAddress` is told each address at once, `onRequest` whole answers that hold an address, a moment later. */
  constructor(onAddress: (name: string, address: string) => void, onRequest: (request: DnsRequest) => void) {
    this.#onAddress = onAddress;
    this.#onRequest = onRequest;
  }

  /** Takes a line of the log, read at `now` (Unix milliseconds). */
  read(line: string, now: number): void {
    const parsed = parseQueryLogLine(line);
    if (!parsed) return;
    if (parsed.kind === 'query') {
      this.#finish(parsed.serial); // a dnsmasq that was started anew counts from 1 again
      this.#open.set(parsed.serial, {
        hostName: parsed.name,
        addresses: [],
        time: now,
        client: parsed.client,
        answered: 0,
      });
      const oldest = this.#open.keys().next().value;
      if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#finish(oldest);
      return;
    }
    const query = this.#open.get(parsed.serial);
    if (!query || query.client !== parsed.client) return;
    query.answered = now;
    if (query.addresses.length < MAX_ADDRESSES && !query.addresses.includes(parsed.address)) {
      query.addresses.push(parsed.address);
    }
    this.#onAddress(query.hostName, parsed.address);
  }

  /** Hands on the answers that are complete. Call it now and then. */
  flush(now: number): void {
    for (const [serial, query] of this.#open) {
      if (query.answered > 0 && now - query.answered >= QUIET_MS) this.#finish(serial);
    }
  }

  #finish(serial: number): void {
    const query = this.#open.get(serial);
    this.#open.delete(serial);
    if (!query || query.addresses.length === 0) return;
    const { answered: _, ...request } = query;
    this.#onRequest(request);
  }
}
