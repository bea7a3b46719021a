import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../../supervisor/api/client.ts';
import type { NetworkInstanceReport, StatusReport } from '../../../supervisor/api/contract.ts';

/** Milliseconds between two questions: what the times to healthy are exact to. */
const LOOK_MS = 100;

/** A status, and when it was asked for (Unix milliseconds). */
export interface Snapshot {
  at: number;
  status: StatusReport;
}

/** Asks for the status all the time, whether anybody answers or not. */
export class Observer {
  readonly #api: ApiClient;
  #isStopped = false;
  #loop: Promise<void>;
  #waiting: (() => void)[] = [];
  latest: Snapshot | null = null;

  constructor(api: ApiClient) {
    this.#api = api;
    this.#loop = this.#run();
  }

  /** Resolves when the next question is answered, or was not. */
  next(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  instance(name: string): NetworkInstanceReport | undefined {
    return this.latest?.status.networkInstances.find(instance => instance.name === name);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const at = Date.now();
      const status = await this.#api.status().catch(() => null); // nobody there, for now
      if (status) this.latest = { at, status };
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
      await sleep(LOOK_MS);
    }
  }
}

/** Whether an NI is as it should be, by its report. The first thing that is not, in words; null: all is. */
export function faultOf(report: NetworkInstanceReport | undefined): string | null {
  if (!report) return 'not in the status';
  if (report.state !== 'online') return `${report.state}${report.error ? `: ${report.error}` : ''}`;
  if (report.manager.state !== 'running' || report.manager.pid === null) return `manager ${report.manager.state}`;
  const item = report.items.find(({ state }) => state !== 'ok');
  if (item) return `${item.kind} ${item.id} ${item.state}${item.error ? `: ${item.error}` : ''}`;
  const tunnel = report.vpn?.tunnels.find(({ state }) => state !== 'up');
  if (tunnel) return `tunnel ${tunnel.name} ${tunnel.state}${tunnel.error ? `: ${tunnel.error}` : ''}`;
  return null;
}
