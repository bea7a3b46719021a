import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import type { BenchContext, Benchmark, Contestant, Row } from '../benchmark.ts';
import { readCpu } from '../cpu.ts';
import { type ManyDevice, startMany } from '../many-device.ts';
import { processesOf } from '../processes.ts';
import { ByHand } from './bring-up/by-hand.ts';

const APPS = 2;
/** How many network instances, how often at most (a hundred take a minute to come and go), and whether the script does them too. */
const SIZES = [
  { count: 1, rounds: 5, byScript: true },
  { count: 10, rounds: 2, byScript: true },
  { count: 100, rounds: 1, byScript: false },
];
const POLL_MS = 10;
const TIMEOUT_MS = 180_000;
const SCENARIO = 'examples/demo.yaml';
/** The goals of the project. */
const TIMES_FLOOR = 2.5;
const OF_STEP_BY_STEP = 1 / 5;
const HUNDRED_S = 15;

/** How long it takes, and what it costs, until all network instances of a new config are online with their apps attached. */
export const bringUp: Benchmark = {
  name: 'bring-up',
  title: `From a config to all online: network instances with ${APPS} apps each`,
  async run(context) {
    const rows: Row[] = [];
    for (const { count, rounds, byScript } of SIZES) {
      rows.push(...(await measure({ ...context, rounds: Math.min(rounds, context.rounds) }, count, byScript)));
    }
    return [...rows, await scenario(context)];
  },
};

async function measure({ rounds, signal, say }: BenchContext, count: number, byScript: boolean): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-bench-'));
  const many = await startMany({ apps: APPS, signal });
  const byHand = new ByHand(many.device.prefix, directory);
  const nibox: Contestant = { name: 'nibox', role: 'nibox', samples: [] };
  const floor: Contestant = { name: 'in batches', role: 'floor', samples: [] };
  const steps: Contestant = { name: 'step by step', role: 'peer', samples: [] };
  const cpu: Contestant = { name: 'nibox', role: 'nibox', samples: [] };
  try {
    await many.makeApps(count);
    await byHand.prepare(count);
    for (let round = 0; round < rounds; round++) {
      const tell = (who: string) => say(`${count} network instances: round ${round + 1} of ${rounds}: ${who}`);
      signal.throwIfAborted();
      tell('nibox');
      const before = await cpuOf(many);
      nibox.samples.push((await timed(() => comeUp(many, count))) / count);
      cpu.samples.push(((await cpuOf(many)) - before) / count);
      const ruleset = await rulesOf(many);
      await many.grow(0);
      signal.throwIfAborted();
      tell('in batches');
      floor.samples.push((await timed(() => byHand.inBatches(count, ruleset))) / count);
      await byHand.clear();
      if (!byScript) continue;
      signal.throwIfAborted();
      tell('step by step');
      steps.samples.push((await timed(() => byHand.stepByStep(count, ruleset))) / count);
      await byHand.clear();
    }
  } finally {
    await byHand.end(count);
    await many.down();
    await rm(directory, { recursive: true, force: true });
  }
  const common = { unit: 'ms', better: 'lower' } as const;
  const inSeconds = nibox.samples.map(ms => (ms * count) / 1000);
  const besideScript: Row = {
    ...common,
    what: `${count} NIs: time per NI, beside a script`,
    contestants: [nibox, steps],
    goal: { atMost: OF_STEP_BY_STEP, times: steps.name },
  };
  return [
    {
      ...common,
      what: `${count} NIs: time per NI`,
      contestants: [nibox, floor],
      goal: { atMost: TIMES_FLOOR, times: floor.name },
    },
    ...(byScript ? [besideScript] : []),
    { unit: 's', better: 'lower', what: `${count} NIs: CPU per NI`, contestants: [cpu] },
    {
      ...{ unit: 's', better: 'lower', what: `${count} NIs: time for all` },
      contestants: [{ ...nibox, samples: inSeconds }],
      ...(count === 100 && { goal: { atMost: HUNDRED_S } }),
    },
  ];
}

/** Until every app is attached and its network instance online. */
async function comeUp(many: ManyDevice, count: number): Promise<void> {
  await many.grow(count);
  for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; await sleep(POLL_MS)) {
    const { networkInstances, apps } = await many.status();
    if ([...networkInstances, ...apps].every(({ state }) => state === 'online')) return;
  }
  throw new Error(`not all of ${count} network instances and their apps are online after ${TIMEOUT_MS / 1000} s`);
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** CPU seconds of all that runs for the device, with what has ended. */
async function cpuOf(many: ManyDevice): Promise<number> {
  return (await processesOf(many)).reduce((sum, pid) => sum + readCpu(pid), 0);
}

/** The rules of the first network instance, as one script. */
function rulesOf({ device }: ManyDevice): Promise<string> {
  return run('nsenter', [`--net=/run/netns/${device.prefix}-n1`, '--', 'nft', '-s', 'list', 'ruleset']);
}

async function scenario({ rounds, signal, say }: BenchContext): Promise<Row> {
  const config = await readFile(SCENARIO, 'utf8');
  const samples: number[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    signal.throwIfAborted();
    say(`the demo scenario: round ${round + 1}`);
    const many = await startMany({ signal });
    try {
      samples.push(await timed(() => many.api.apply(config, SCENARIO, { dryRun: false })));
    } finally {
      await many.down();
    }
  }
  const contestants: Contestant[] = [{ name: 'nibox', role: 'nibox', samples }];
  return { what: 'the demo scenario, config in place', unit: 'ms', better: 'lower', contestants };
}
