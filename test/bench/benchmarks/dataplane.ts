import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchContext, Benchmark, Row } from '../benchmark.ts';
import { installDebian } from '../install.ts';
import type { Chain } from './dataplane/chain.ts';
import { LOADS, PATHS } from './dataplane/loads.ts';
import { type Measured, rowsOf } from './dataplane/rows.ts';
import { buildWay, listWays, type Way } from './dataplane/ways.ts';

/** What an app's packets cost on their way to the uplink and to another app of its network instance. */
export const dataplane: Benchmark = {
  name: 'dataplane',
  title:
    'throughput, packet rate and latency from an app to the uplink and to another app, by the number of ACEs per VIF',
  run,
};

/**
 * Each round in chains of its own: the same rules in two chains differ by some percent, by where the kernel happened to put its
 * tables. Each round begins with another way.
 */
async function run(context: BenchContext): Promise<Row[]> {
  await installDebian('iptables', 'iperf3', 'iputils-ping');
  const directory = await mkdtemp(join(tmpdir(), 'nibox-bench-'));
  try {
    const ways = await listWays(directory);
    // By load first: a machine that is slow for some seconds is slow for all ways.
    const measured = (Object.keys(LOADS) as (keyof typeof LOADS)[]).flatMap(load =>
      PATHS.flatMap(path =>
        ways.filter(way => way.paths.includes(path)).map((way): Measured => ({ way, path, load, samples: [] })),
      ),
    );
    for (let round = 0; round < context.rounds; round++) {
      const prefix = `round ${round + 1} of ${context.rounds}`;
      await measureOnce({ ...context, say: text => context.say(`${prefix}: ${text}`) }, ways, rotated(measured, round));
    }
    return rowsOf(measured);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureOnce(context: BenchContext, ways: readonly Way[], measured: readonly Measured[]): Promise<void> {
  const chains = new Map<Way, Chain>();
  try {
    for (const way of ways) {
      context.signal.throwIfAborted();
      context.say(`building: ${nameOf(way)}`);
      chains.set(way, await buildWay(way));
    }
    for (let pass = 0; pass < Math.max(...Object.values(LOADS).map(({ passes }) => passes)); pass++) {
      for (const { way, path, load, samples } of measured.filter(one => LOADS[one.load].passes > pass)) {
        context.signal.throwIfAborted();
        context.say(`${nameOf(way)}, ${path}, ${load}`);
        samples.push(await LOADS[load].measure(chains.get(way)!, path));
      }
    }
  } finally {
    for (const chain of chains.values()) await chain.remove();
  }
}

const rotated = <T>(list: readonly T[], by: number): T[] => [...list.slice(by), ...list.slice(0, by)];
const nameOf = ({ name, aces }: Way) => (aces === null ? name : `${name}, ${aces} ACEs`);
