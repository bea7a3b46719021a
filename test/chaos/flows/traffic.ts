import { join } from 'node:path';
import type { World } from '../../world/index.ts';
import { bundleAgent } from '../agent/bundle.ts';
import { CHUNK_MS, CHUNKS } from '../agent/content.ts';
import type { AgentEvent, AgentOrder, DownloadEnd, DownloadTask } from '../agent/messages.ts';
import type { ChaosDevice } from '../device/device.ts';
import { instances, type Ni, ways } from '../device/layout.ts';
import { Agent } from './agent.ts';
import { Pings } from './pings.ts';

const HALF_MS = (CHUNKS * CHUNK_MS) / 2;
/** A name that all DNS servers of the world know. */
const NAME = 'github.com';
/** Where downloads come from. */
const SERVERS = ['gw', 'cloud1', 'cloud2', 'app2'];

export interface TrafficEvents {
  onDownload: (end: DownloadEnd) => void;
}

/** All flows: through every NI two downloads, pings and DNS queries; in ni2 also a download from app to app. */
export class Traffic {
  readonly pings = new Map<Ni, Pings>();
  readonly #agents = new Map<string, Agent>();
  readonly #lookups = new Map<Ni, number>();
  readonly lookups = { answered: 0, failed: 0 };

  static async start(device: ChaosDevice, events: TrafficEvents): Promise<Traffic> {
    const bundle = join(device.world.runDirectory, 'chaos-agent.cjs');
    await bundleAgent(bundle);
    const traffic = new Traffic();
    const { apps } = await device.api.status();
    const app2 = apps.find(({ name }) => name === 'app2')?.interfaces[0]?.leased[0];
    if (app2 === undefined) throw new Error('app2 has no address on ni2');
    await Promise.all(SERVERS.map(name => traffic.#serve(device.world, name, bundle)));
    for (const ni of instances) {
      const { app, target, server, dns } = ways[ni];
      const task = (delay: number): DownloadTask => ({ networkInstance: ni, address: target, server, delay });
      const downloads = [task(0), task(HALF_MS)];
      if (app === 'app1') downloads.push({ networkInstance: 'ni2', address: app2, server: 'app2', delay: 1_000 });
      const agent = new Agent(device.world, app, bundle, { downloads, lookup: { server: dns, name: NAME } }, event =>
        traffic.#told(ni, event, events),
      );
      traffic.#agents.set(app, agent);
      traffic.pings.set(ni, new Pings(device.world, app, target));
    }
    return traffic;
  }

  /** Whether an NI has carried a ping and answered a query that ended after a time. */
  hasPassed(ni: Ni, since: number): boolean {
    return this.pings.get(ni)!.lastReply > since && (this.#lookups.get(ni) ?? 0) > since;
  }

  /** Sends something from an app. */
  order(app: string, order: AgentOrder): void {
    this.#agents.get(app)?.order(order);
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents.values()) agent.stop();
    await Promise.all([...this.pings.values()].map(pings => pings.stop()));
  }

  /** Starts a server and waits until it listens. */
  #serve(world: World, name: string, bundle: string): Promise<void> {
    return new Promise(resolve => {
      const agent = new Agent(world, name, bundle, { serve: name }, () => resolve());
      this.#agents.set(`server ${name}`, agent);
    });
  }

  #told(ni: Ni, event: AgentEvent, { onDownload }: TrafficEvents): void {
    if (event.kind === 'serving') return;
    if (event.kind === 'download') onDownload(event);
    else if (event.problem === null) {
      this.lookups.answered += 1;
      this.#lookups.set(ni, event.at);
    } else this.lookups.failed += 1;
  }
}
