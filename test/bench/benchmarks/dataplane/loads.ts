import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../../shared/kernel/run.ts';
import { quantile } from '../../statistics.ts';
import type { Chain, Place } from './chain.ts';
import { appAddress, OUTSIDE } from './layout.ts';

/** Where app1 sends to. */
export type Path = 'uplink' | 'bridged';
export const PATHS: readonly Path[] = ['uplink', 'bridged'];

const TARGETS: Record<Path, { place: Place; address: string }> = {
  uplink: { place: 'outside', address: OUTSIDE },
  bridged: { place: 'app2', address: appAddress(2) },
};

/** Half a second, more or less: many short samples see the same disturbances, whoever is measured. */
const TCP_BYTES = '500M';
const PACKET_SECONDS = 1;
const PINGS = 3000;
const TCP_PORT = 5201;
const UDP_PORT = 9000;
const LISTEN_MS = 10_000;

const SINK = new URL('./sink.pl', import.meta.url).pathname;
const FLOOD = new URL('./flood.pl', import.meta.url).pathname;

/** What is sent, and what its figure is. */
export interface Load {
  what: string;
  unit: string;
  better: 'lower' | 'higher';
  /** How often in each round. */
  passes: number;
  measure(chain: Chain, path: Path): Promise<number>;
}

export const LOADS = {
  tcp: { what: 'TCP', unit: 'Gbit/s', better: 'higher', passes: 2, measure: tcp },
  packets: { what: '64-byte packets', unit: 'kpackets/s', better: 'higher', passes: 1, measure: packets },
  latency: { what: 'round trip', unit: 'µs', better: 'lower', passes: 1, measure: latency },
} as const satisfies Record<string, Load>;

/** Starts what answers in a chain, and waits until it does. */
export async function serve(chain: Chain): Promise<void> {
  for (const { place } of Object.values(TARGETS)) {
    chain.start(place, await pinned('receiver', ['iperf3', '-s', '-p', String(TCP_PORT)]));
    chain.start(place, ['perl', SINK, String(UDP_PORT)]);
  }
  const end = Date.now() + LISTEN_MS;
  for (const { place } of Object.values(TARGETS)) {
    const listens = async () => {
      const sockets = await chain.exec(place, ['ss', '-Hlntu']);
      return [TCP_PORT, UDP_PORT].every(port => sockets.includes(`:${port} `));
    };
    while (!(await listens())) {
      if (Date.now() > end) throw new Error(`iperf3 or the sink do not listen in ${place} after ${LISTEN_MS} ms`);
      await sleep(50);
    }
  }
}

async function tcp(chain: Chain, path: Path): Promise<number> {
  const client = ['iperf3', '-c', TARGETS[path].address, '-p', String(TCP_PORT), '-n', TCP_BYTES, '-J'];
  const { end, error } = JSON.parse(await chain.exec('app1', await pinned('sender', client)));
  if (error) throw new Error(`iperf3 from app1 to ${path}: ${error}`);
  return end.sum_received.bits_per_second / 1e9;
}

/** Those that arrive: the sender's figure would count what was dropped on the way. */
async function packets(chain: Chain, path: Path): Promise<number> {
  const { place, address } = TARGETS[path];
  const before = await received(chain, place);
  const command = ['perl', FLOOD, address, String(UDP_PORT), String(PACKET_SECONDS)];
  const seconds = Number(await chain.exec('app1', await pinned('sender', command)));
  return ((await received(chain, place)) - before) / seconds / 1000;
}

async function received(chain: Chain, place: Place): Promise<number> {
  const [link] = JSON.parse(await chain.exec(place, ['ip', '-j', '-s', 'link', 'show', 'dev', 'eth0']));
  return link.stats64.rx.packets;
}

/** Of echo requests, one after the other. ping tells whole microseconds: the mean of the middle half stands for the median. */
async function latency(chain: Chain, path: Path): Promise<number> {
  const command = ['ping', '-n', '-A', '-c', String(PINGS), TARGETS[path].address];
  const output = await chain.exec('app1', await pinned('sender', command));
  const times = [...output.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms) * 1000);
  if (times.length < PINGS / 2)
    throw new Error(`only ${times.length} of ${PINGS} echo requests were answered (${path})`);
  const [low, high] = [quantile(times, 0.25), quantile(times, 0.75)];
  const middle = times.filter(time => time >= low && time <= high);
  return middle.reduce((sum, time) => sum + time, 0) / middle.length;
}

/**
 * Sender and receiver have a core each, and go before others: neither where the scheduler would put them nor what else runs should
 * tell in the figures.
 */
async function pinned(role: 'sender' | 'receiver', command: readonly string[]): Promise<string[]> {
  const core = role === 'sender' ? 0 : Math.min(1, cpus().length - 1);
  mayGoFirst ??= run('chrt', ['-f', '1', 'true']).then(
    () => true,
    () => false,
  );
  return [...((await mayGoFirst) ? ['chrt', '-f', '1'] : []), 'taskset', '-c', String(core), ...command];
}

/** Not in a container without that right. */
let mayGoFirst: Promise<boolean> | undefined;
