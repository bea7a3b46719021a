import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Benchmark, Contestant, Row } from '../benchmark.ts';
import { installNpm } from '../install.ts';
import { type Entrant, interleave } from '../interleave.ts';
import { type ManyDevice, startMany } from '../many-device.ts';
import { readMemory } from '../memory.ts';
import { EMPTY, MANAGER, type Program, startProgram, unbundledManager } from '../programs.ts';

/** The current LTS line's release that the figures are told for. */
const LTS = 'node@26.10.0';
/** A process has read its code and come to rest. */
const SETTLE_MS = 3_000;
/** V8 gives back what the start has used when a process has been idle for some ten seconds. */
const IDLE_MS = 20_000;
/** After a burst. */
const REST_MS = 60_000;
/** The changes of a burst, and how long it may take on a slow machine. */
const BURST = { changes: 1_000, mostMs: 60_000 };
/** The goals of the project, beside an empty Node process. */
const [FRESH, AFTER_BURST] = [1.35, 1.8];
const SUPERVISOR = { at10: 90, each: 0.5 };

/** Memory of managers and of the supervisor. */
export const footprint: Benchmark = {
  name: 'footprint',
  title: 'Private memory (USS) and proportional memory (PSS) of managers and supervisor',
  async run(context) {
    const lts = join(await installNpm(LTS), 'bin/node');
    const unbundled = await unbundledManager();
    try {
      return [
        ...(await started(context, process.execPath, process.version, unbundled)),
        ...(await started(context, lts, LTS, unbundled)),
        ...(await running(context, process.execPath, process.version, [1, 10, 50], true)),
        ...(await running(context, lts, LTS, [1], false)),
      ];
    } finally {
      await rm(unbundled.directory, { recursive: true, force: true });
    }
  },
};

/** Without a supervisor that tells them anything: what the code alone takes. */
async function started(context: BenchContext, node: string, version: string, unbundled: Program): Promise<Row[]> {
  const entrant = (role: Entrant['role'], program: Program): Entrant => {
    return { name: program.name, role, measure: async () => (await measureOne(node, program)).uss };
  };
  const contestants = await interleave(context, [
    entrant('nibox', MANAGER),
    entrant('floor', EMPTY),
    entrant('peer', unbundled),
  ]);
  return [{ what: `manager without a config, USS, ${version}`, unit: 'MB', better: 'lower', contestants }];
}

/** Beside another one of its kind, or the pages of Node's file that only it touches would count as its own. */
async function measureOne(node: string, program: Program) {
  const companion = await startProgram(node, program);
  try {
    const running = await startProgram(node, program);
    try {
      await sleep(SETTLE_MS);
      return readMemory(running.pid);
    } finally {
      await running.end();
    }
  } finally {
    await companion.end();
  }
}

/** In service, on one device that grows; then after a burst of changes, if any. */
async function running(
  context: BenchContext,
  node: string,
  version: string,
  counts: readonly number[],
  withBurst: boolean,
): Promise<Row[]> {
  const rows: Row[] = [];
  const many = await startMany({ node, signal: context.signal });
  try {
    const empty = async (): Promise<Contestant> => {
      const samples = [];
      for (let round = 0; round < context.rounds; round++) samples.push((await measureOne(node, EMPTY)).uss);
      return { name: EMPTY.name, role: 'floor', samples };
    };
    const memory = async (field: 'uss' | 'pss') => (await many.managers()).map(pid => readMemory(pid)[field]);
    const row = async (what: string, times: number, samples: number[]): Promise<Row> => {
      const contestants: Contestant[] = [{ name: 'nibox', role: 'nibox', samples }, await empty()];
      return {
        what: `${what}, ${version}`,
        unit: 'MB',
        better: 'lower',
        contestants,
        goal: { atMost: times, times: EMPTY.name },
      };
    };
    const supervisor: [number, number][] = [];
    for (const count of counts) {
      context.signal.throwIfAborted();
      context.say(`${count} network instances with ${version}`);
      await many.grow(count);
      await sleep(SETTLE_MS);
      rows.push(await row(`each of ${count} managers, fresh, USS`, FRESH, await memory('uss')));
      const samples = await memory('pss');
      rows.push({
        what: `each of ${count} managers, fresh, PSS, ${version}`,
        unit: 'MB',
        better: 'lower',
        contestants: [{ name: 'nibox', role: 'nibox', samples }],
      });
      supervisor.push([count, readMemory((await many.status()).supervisor.pid).uss]);
    }
    const [, few = 1] = counts;
    await many.grow(few);
    await sleep(IDLE_MS, undefined, { signal: context.signal });
    rows.push(await row(`each of ${few} managers, ${IDLE_MS / 1000} s later, USS`, FRESH, await memory('uss')));
    if (!withBurst) return rows;
    rows.push(...supervisorRows(supervisor, version));
    const changes = await burst(context, many);
    await sleep(REST_MS, undefined, { signal: context.signal });
    const [first] = await memory('uss');
    rows.push(
      await row(`manager ${REST_MS / 1000} s after ${changes} changes of its config, USS`, AFTER_BURST, [first!]),
    );
  } finally {
    await many.down();
  }
  return rows;
}

/** Each change is applied, and waited for. Gives their number. */
async function burst({ signal, say }: BenchContext, many: ManyDevice): Promise<number> {
  const end = performance.now() + BURST.mostMs;
  let change = 0;
  for (; change < BURST.changes && performance.now() < end; change++) {
    signal.throwIfAborted();
    if (change % 100 === 0) say(`change ${change} of ${BURST.changes}`);
    await many.change([{ id: 9, protocol: 'tcp', fport: 1000 + (change % 2), ip: '0.0.0.0/0' }]);
  }
  return change;
}

function supervisorRows(points: readonly [number, number][], version: string): Row[] {
  const at = (count: number) => points.find(([found]) => found === count)![1];
  const single = (what: string, value: number, atMost: number): Row => {
    const contestants: Contestant[] = [{ name: 'nibox', role: 'nibox', samples: [value] }];
    return { what: `${what}, ${version}`, unit: 'MB', better: 'lower', contestants, goal: { atMost } };
  };
  return [
    single('supervisor with 10 NIs, USS', at(10), SUPERVISOR.at10),
    single('supervisor, USS per NI more (10 to 50)', (at(50) - at(10)) / 40, SUPERVISOR.each),
  ];
}
