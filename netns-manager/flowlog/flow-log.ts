import { repeat } from '../../shared/beat.ts';
import type { Log } from '../../shared/log/log.ts';
import type { AppInterfaceConfig, FlowBatch } from '../../shared/proto/messages.ts';
import type { DeniedFlow } from '../acl/observe.ts';
import { BatchRing } from './batch-ring.ts';
import { ConntrackEvents } from './conntrack-events.ts';
import { DeniedFlows } from './denied-flows.ts';
import { acceptedRecord, deniedRecord } from './records.ts';

/** How often the kernel's list of denied flows is read. Its elements must live longer. */
const DENIED_INTERVAL_MS = 5_000;
/** How often records are published. */
const FLUSH_INTERVAL_MS = 1_000;

export interface FlowLogOptions {
  log: Log;
  apps: () => readonly AppInterfaceConfig[];
  readDenied: () => Promise<readonly DeniedFlow[]>;
  /** False: there are no connections to listen for, as on a switch. Default true. */
  tracksConnections?: boolean;
  publish: (key: string, batch: FlowBatch) => void;
  now?: () => number;
  deniedIntervalMs?: number;
  flushIntervalMs?: number;
  /** See ConntrackEventsOptions. */
  conntrackCommand?: readonly string[];
}

/** The flow log of an NI: which flows its ACLs let through and which they denied. Costs nothing until it is started. */
export class FlowLog {
  readonly #options: FlowLogOptions;
  readonly #now: () => number;
  readonly #denied = new DeniedFlows();
  readonly #ring: BatchRing;
  readonly #events: ConntrackEvents;
  #repeated: (() => void)[] = [];
  #reading: Promise<void> | null = null;
  #reportedLost = 0;

  constructor(options: FlowLogOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#ring = new BatchRing(options.publish);
    this.#events = new ConntrackEvents({
      log: options.log,
      ...(options.conntrackCommand && { command: options.conntrackCommand }),
      onEnd: flow => {
        const record = acceptedRecord(flow, options.apps(), this.#now());
        if (record) this.#ring.add(record);
      },
    });
  }

  get isRunning(): boolean {
    return this.#repeated.length > 0;
  }

  /** Of the child that listens; null when there is none. */
  get conntrackPid(): number | null {
    return this.#events.pid;
  }

  /** Records lost since the start, because more came than can be shown. */
  get lost(): number {
    return this.#ring.lost;
  }

  /** Starts or stops it as is wanted now. */
  async run(isWanted: boolean): Promise<void> {
    if (isWanted) this.start();
    else await this.stop();
  }

  start(): void {
    if (this.isRunning) return;
    if (this.#options.tracksConnections !== false) this.#events.start();
    this.#repeated = [
      repeat(this.#options.deniedIntervalMs ?? DENIED_INTERVAL_MS, () => void this.readDenied()),
      repeat(this.#options.flushIntervalMs ?? FLUSH_INTERVAL_MS, () => this.#flush()),
    ];
  }

  /** Publishes what is left and stops. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    for (const stop of this.#repeated) stop();
    this.#repeated = [];
    await this.#events.stop();
    await this.readDenied();
    this.#flush();
  }

  /** Reads the denied flows now. Two at a time are one. */
  readDenied(): Promise<void> {
    this.#reading ??= this.#readDenied().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readDenied(): Promise<void> {
    try {
      const flows = await this.#options.readDenied();
      const now = this.#now();
      for (const { flow, since } of this.#denied.update(flows, now)) {
        const record = deniedRecord(flow, since, now, this.#options.apps());
        if (record) this.#ring.add(record);
      }
    } catch (error) {
      // The table is missing for a moment while it is repaired; the next read comes soon.
      this.#options.log.warn({ error: String(error) }, 'denied flows could not be read');
    }
  }

  #flush(): void {
    this.#ring.flush();
    if (this.lost === this.#reportedLost) return;
    this.#options.log.warn({ lost: this.lost - this.#reportedLost }, 'flow records lost: too many at once');
    this.#reportedLost = this.lost;
  }
}
