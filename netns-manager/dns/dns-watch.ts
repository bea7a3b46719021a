import { repeat } from '../../shared/beat.ts';
import { type ConntrackEntry, listConntrack } from '../../shared/kernel/conntrack.ts';
import { type Nft, nft } from '../../shared/kernel/nft.ts';
import type { Log } from '../../shared/log/log.ts';
import { DEFAULT_LOG_LIMITS } from '../../shared/log/log-limits.ts';
import type { DnsRequest } from '../../shared/proto/messages.ts';
import { Answers } from './answers.ts';
import { addHostSetElements, listHostSetElements, removeHostSetElements } from './host-set-elements.ts';
import { type HostSet, type HostSetElement, HostSetKeeper } from './host-set-keeper.ts';
import { LogTail } from './log-tail.ts';

/** How often host sets are gone through. Against an hour of holding time it is exact enough. */
const SWEEP_INTERVAL_MS = 60_000;
const FLUSH_INTERVAL_MS = 1_000;

export interface DnsWatchOptions {
  /** dnsmasq's; its directory must exist. */
  logFile: string;
  /** Makes dnsmasq open its log anew: Dnsmasq.reopenLog. */
  reopenLog: () => void;
  /** dnsmasq's log and its predecessor take at most about twice this. */
  maxLogBytes?: () => number;
  /** The table of the host sets: `inet nibox`. */
  table: string;
  /** Elements that are there by configuration (static DNS entries, the NI's apps): never taken out. */
  isStatic: (element: HostSetElement) => boolean;
  /** An app was told addresses of a name. */
  onRequest: (request: DnsRequest) => void;
  log: Log;
  nftables?: Nft;
  connections?: () => Promise<readonly ConntrackEntry[]>;
  now?: () => number;
  holdMs?: number;
}

/** Watches what dnsmasq tells apps: keeps host sets to what DNS says, gives the flow log its requests, keeps the log short. */
export class DnsWatch {
  readonly #options: DnsWatchOptions;
  readonly #keeper: HostSetKeeper;
  readonly #answers: Answers;
  readonly #tail: LogTail;
  readonly #now: () => number;
  #sets: readonly HostSet[] = [];
  #repeated: (() => void)[] = [];
  #sweeping: Promise<void> | null = null;

  constructor(options: DnsWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    const nftables = options.nftables ?? nft;
    this.#keeper = new HostSetKeeper({
      list: async () => (await listHostSetElements(options.table, this.#setNames(), nftables)).filter(isDynamic),
      remove: elements => removeHostSetElements(options.table, elements, nftables),
      add: elements => addHostSetElements(options.table, elements, nftables),
      liveDestinations: async () => destinationsOf(await (options.connections ?? listConntrack)()),
      drainLog: () => this.#tail.drain(),
      now: this.#now,
      ...(options.holdMs !== undefined && { holdMs: options.holdMs }),
    });
    function isDynamic(element: HostSetElement): boolean {
      return !options.isStatic(element);
    }
    this.#answers = new Answers((name, address) => this.#keeper.named(name, address), options.onRequest);
    this.#tail = new LogTail({
      file: options.logFile,
      maxBytes: options.maxLogBytes ?? (() => DEFAULT_LOG_LIMITS.maxBytes),
      onLine: line => this.#answers.read(line, this.#now()),
      reopen: options.reopenLog,
      onError: error => options.log.error({ error: error.message }, "dnsmasq's log can not be read"),
    });
  }

  /** Which host sets there are now; see hostDomains. */
  setHostSets(sets: readonly HostSet[]): void {
    this.#sets = sets;
    this.#keeper.setHostSets(sets);
  }

  async start(): Promise<void> {
    await this.#tail.start();
    this.#repeated = [
      repeat(FLUSH_INTERVAL_MS, () => this.#answers.flush(this.#now())),
      repeat(SWEEP_INTERVAL_MS, () => void this.sweep()),
    ];
  }

  async close(): Promise<void> {
    for (const stop of this.#repeated) stop();
    this.#repeated = [];
    await this.#sweeping;
    await this.#tail.close();
  }

  /** Takes addresses out whose time has come, now. Two at a time are one. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    if (this.#sets.length === 0) return;
    try {
      const removed = await this.#keeper.sweep();
      if (removed.length > 0)
        this.#options.log.info({ removed }, 'addresses that DNS names no more left their host sets');
    } catch (error) {
      // The table is missing for a moment while it is repaired; the next sweep comes soon.
      this.#options.log.warn({ error: String(error) }, 'host sets could not be gone through');
    }
  }

  #setNames(): string[] {
    return this.#sets.flatMap(({ v4, v6 }) => [v4, v6]);
  }
}

/** Whom apps talk to: as they know the address, and as it is behind address translation. */
function destinationsOf(connections: readonly ConntrackEntry[]): Set<string> {
  return new Set(connections.flatMap(({ original, reply }) => [original.destination, reply.source]));
}
