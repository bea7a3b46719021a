import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import { sites } from '../../world/layout.ts';
import type { BenchContext, Benchmark, Contestant, Row } from '../benchmark.ts';
import { type ManyDevice, startMany } from '../many-device.ts';
import { quantile } from '../statistics.ts';
import { End } from './change/end.ts';

const INSTANCES = [10, 100];
const ACES = [10, 1000];
/** Changes in each round: with many network instances each takes its time. */
const perRound = (count: number) => (count > 10 ? 4 : 6);
/** The app that is looked at, and the namespace of another one, where nobody is disturbed. */
const APP = 'a1x1';
const ELSEWHERE = 'a2x1';
const ADDRESS = sites['google.com'];
const FIRST_PORT = 20_000;
const FILLER_PORT = 30_000;
/** Passes follow a change, and metrics are read. */
const REST_MS = 400;
const TIMEOUT_MS = 20_000;
/** The goals of the project. */
const P50_MS = 40;
const FLAT = 1.5;

/** How long one ACE takes from `apply` until a packet passes by it. */
export const change: Benchmark = {
  name: 'change',
  title: 'One ACE added, from the request to the first packet that passes by it',
  async run(context) {
    const many = await startMany({ signal: context.signal });
    const results = new Map<string, Contestant[]>();
    try {
      for (const count of INSTANCES) {
        context.signal.throwIfAborted();
        context.say(`${count} network instances come up`);
        await many.grow(count);
        await configureApp(many);
        for (const aces of ACES) results.set(`${count} ${aces}`, await measure(context, many, count, aces));
      }
    } finally {
      await many.down();
    }
    return rowsOf(results);
  },
};

/** Gives the app its address, as its DHCP client would. */
async function configureApp(many: ManyDevice): Promise<void> {
  const { apps } = await many.status();
  const { ipv4 } = apps.find(({ name }) => name === APP)!.interfaces[0]!;
  const lines = [`address replace ${ipv4}/24 dev eth0`, 'route replace default via 10.10.1.1'];
  await run('ip', ['-n', `${many.device.prefix}-${APP}`, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

async function measure(context: BenchContext, many: ManyDevice, count: number, aces: number): Promise<Contestant[]> {
  const fillers = Array.from({ length: aces }, (_, index) => ace(FILLER_PORT + index));
  const floor = await Floor.make(many, aces);
  const [sender, receiver] = [new End(many.device.world, APP), new End(many.device.world, 'gw')];
  const nibox: Contestant = { name: 'nibox', role: 'nibox', samples: [] };
  const bare: Contestant = { name: 'nft -f', role: 'floor', samples: [] };
  try {
    for (let index = 0; index < context.rounds * perRound(count); index++) {
      context.signal.throwIfAborted();
      context.say(`${count} network instances, ${aces} ACEs: change ${index + 1}`);
      const port = FIRST_PORT + index;
      await many.change(fillers);
      await sleep(REST_MS);
      await receiver.ask(`listen ${ADDRESS} ${port}`, 'listening');
      await sender.ask(`send ${ADDRESS} ${port}`, 'sending');
      const start = now();
      const applied = many.change([...fillers, ace(port)]);
      nibox.samples.push((await receiver.arrival(TIMEOUT_MS)) - start);
      await applied;
      await Promise.all([sender, receiver].map(end => end.ask('stop', 'stopped')));
      await sleep(REST_MS);
      bare.samples.push(await floor.add(port));
    }
  } finally {
    sender.close();
    receiver.close();
    await floor.remove();
  }
  return [nibox, bare];
}

/** What the kernel and `nft` need for one rule more, in a chain of as many. */
class Floor {
  readonly #enter: string[];

  private constructor(many: ManyDevice) {
    this.#enter = [`--net=/run/netns/${many.device.prefix}-${ELSEWHERE}`, '--', 'nft', '-f', '-'];
  }

  static async make(many: ManyDevice, aces: number): Promise<Floor> {
    const floor = new Floor(many);
    const rules = Array.from({ length: aces }, (_, index) => floor.#rule(FILLER_PORT + index));
    await floor.#load(`add table inet bench\nadd chain inet bench c\n${rules.join('')}`);
    return floor;
  }

  /** Milliseconds. */
  async add(port: number): Promise<number> {
    const start = now();
    await this.#load(this.#rule(port));
    return now() - start;
  }

  remove(): Promise<void> {
    return this.#load('delete table inet bench\n');
  }

  #rule(port: number): string {
    return `add rule inet bench c ip daddr ${ADDRESS} udp dport ${port} accept\n`;
  }

  async #load(input: string): Promise<void> {
    await run('nsenter', this.#enter, { input });
  }
}

function ace(fport: number) {
  return { ip: `${ADDRESS}/32`, protocol: 'udp', fport };
}

/** Milliseconds of the monotonic clock. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

function rowsOf(results: ReadonlyMap<string, Contestant[]>): Row[] {
  const rows: Row[] = [];
  for (const count of INSTANCES) {
    for (const aces of ACES) {
      const contestants = results.get(`${count} ${aces}`)!;
      const what = `${count} NIs, ${aces} ACEs on the VIF`;
      const common = { unit: 'ms', better: 'lower' } as const;
      rows.push({ ...common, what: `${what}: p50`, contestants, goal: { atMost: P50_MS } });
      const p99 = contestants.map(one => ({ ...one, samples: [quantile(one.samples, 0.99)] }));
      rows.push({ ...common, what: `${what}: p99`, contestants: p99 });
    }
  }
  const p50 = (count: number, aces: number) => quantile(results.get(`${count} ${aces}`)![0]!.samples, 0.5);
  const ratio = (what: string, value: number): Row => ({
    ...{ what, unit: '×', better: 'lower', goal: { atMost: FLAT } },
    contestants: [{ name: 'nibox', role: 'nibox', samples: [value] }],
  });
  const [few, more] = INSTANCES as [number, number];
  const [short, long] = ACES as [number, number];
  return [
    ...rows,
    ratio(`p50 with ${more} NIs, of that with ${few}`, p50(more, short) / p50(few, short)),
    ratio(`p50 with ${long} ACEs, of that with ${short}`, p50(few, long) / p50(few, short)),
  ];
}
