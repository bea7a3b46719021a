import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Benchmark, Row } from '../benchmark.ts';
import { readCpu, readWakeups } from '../cpu.ts';
import { type ManyDevice, startMany } from '../many-device.ts';
import { readMemory } from '../memory.ts';
import { processesOf } from '../processes.ts';
import { median, slope } from '../statistics.ts';

const COUNTS = [25, 50, 100, 200, 400];
/** A step that would end later is left out: all benchmarks together are to end within 25 minutes, also on a slow machine. */
const DEFAULT_MINUTES = 4;
const IDLE_MS = 15_000;
const REST_MS = 4_000;
const CHANGES = 15;
const STATUS_ASKS = 20;
/** The goals of the project: CPU in percent of a core, the rest as the rows say. */
const IDLE_PERCENT_PER_NI = 0.1;
const BRING_UP_100_S = 15;
/** How far a straight line through the bring-up times may be off at 400. */
const LINEAR = 1.25;

interface Step {
  count: number;
  bringUpS: number;
  managersMB: number;
  supervisorMB: number;
  allMB: number;
  idlePercent: number;
  wakeupsPerS: number;
  changeMs: number;
  askMs: number;
}

/** What more and more network instances on one device cost. */
export const scale: Benchmark = {
  name: 'scale',
  title: `${COUNTS.join(', ')} network instances with one app each, on one device that grows`,
  async run(context) {
    const steps: Step[] = [];
    const minutes = context.minutes ?? DEFAULT_MINUTES;
    const many = await startMany({ signal: context.signal });
    const start = performance.now();
    try {
      for (const count of COUNTS) {
        const spentS = (performance.now() - start) / 1000;
        if (spentS + costS(steps, count, spentS) > minutes * 60) break;
        steps.push(await stepOf(context, many, count, steps.at(-1)?.bringUpS ?? 0));
      }
    } finally {
      context.say('they go');
      await many.down();
    }
    return [
      ...steps.flatMap(rowsOf),
      ...(steps.length < 3 ? [] : slopesOf(steps)),
      ...COUNTS.slice(steps.length).map(leftOut(minutes)),
    ];
  },
};

/** What a step will take, as the steps before it tell: each network instance costs the same, more or less, and goes again. */
function costS(steps: readonly Step[], count: number, spentS: number): number {
  const last = steps.at(-1);
  return last ? (spentS / last.count) * (count - last.count) : 0;
}

const leftOut =
  (minutes: number) =>
  (count: number): Row => {
    const what = `${count} NIs: left out, not to be had in ${minutes} minutes here (--minutes for more)`;
    return { what, unit: '', better: 'lower', contestants: [] };
  };

/** The device grows: `soFarS` is what those that it has already took. */
async function stepOf({ signal, say }: BenchContext, many: ManyDevice, count: number, soFarS: number): Promise<Step> {
  signal.throwIfAborted();
  say(`${count} network instances come up`);
  await many.makeApps(count);
  const start = performance.now();
  await many.grow(count);
  const bringUpS = soFarS + (performance.now() - start) / 1000;
  await sleep(REST_MS, undefined, { signal });
  say(`${count} network instances are idle`);
  const managers = await many.managers();
  const { pid: supervisor } = (await many.status()).supervisor;
  const all = await processesOf(many);
  const idle = await idleOf(all, signal);
  const changeMs = await changeOf(many);
  return {
    count,
    bringUpS,
    managersMB: median(managers.map(pid => readMemory(pid).uss)),
    supervisorMB: readMemory(supervisor).uss,
    allMB: all.reduce((sum, pid) => sum + readMemory(pid).pss, 0),
    idlePercent: idle.percent / count,
    wakeupsPerS: idle.wakeupsPerS,
    changeMs,
    askMs: await askOf(many),
  };
}

/** CPU of all processes together, and how often the one with most wakeups woke up. */
async function idleOf(pids: readonly number[], signal: AbortSignal) {
  const look = () => pids.map(pid => ({ cpu: readCpu(pid), wakeups: readWakeups(pid) }));
  const before = look();
  await sleep(IDLE_MS, undefined, { signal });
  const after = look();
  const seconds = IDLE_MS / 1000;
  const cpu = after.reduce((sum, { cpu }, index) => sum + cpu - before[index]!.cpu, 0);
  const wakeups = after.map(({ wakeups }, index) => wakeups - before[index]!.wakeups);
  return { percent: (100 * cpu) / seconds, wakeupsPerS: Math.max(...wakeups) / seconds };
}

async function changeOf(many: ManyDevice): Promise<number> {
  const samples: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const start = performance.now();
    await many.change([{ id: 9, protocol: 'tcp', fport: 1000 + change, ip: '0.0.0.0/0' }]);
    samples.push(performance.now() - start);
  }
  return median(samples);
}

/** How long a question waits while the supervisor does nothing else: with its own work, its event loop's delay. */
async function askOf(many: ManyDevice): Promise<number> {
  const samples: number[] = [];
  for (let ask = 0; ask < STATUS_ASKS; ask++) {
    const start = performance.now();
    await many.status();
    samples.push(performance.now() - start);
  }
  return median(samples);
}

function rowsOf(step: Step): Row[] {
  const { count } = step;
  const row = (what: string, unit: string, value: number, goal?: Row['goal']): Row => {
    const contestants: Row['contestants'] = [{ name: 'nibox', role: 'nibox', samples: [value] }];
    return { what: `${count} NIs: ${what}`, unit, better: 'lower', contestants, ...(goal && { goal }) };
  };
  return [
    row('bring-up', 's', step.bringUpS, count === 100 ? { atMost: BRING_UP_100_S } : undefined),
    row('a manager, USS', 'MB', step.managersMB),
    row('the supervisor, USS', 'MB', step.supervisorMB),
    row('all processes, PSS', 'MB', step.allMB),
    row('idle CPU per NI', '% of a core', step.idlePercent, { atMost: IDLE_PERCENT_PER_NI }),
    row('wakeups of the busiest process when idle', '1/s', step.wakeupsPerS),
    row('one ACE changed, applied and told', 'ms', step.changeMs),
    row('the whole status asked for', 'ms', step.askMs),
  ];
}

function slopesOf(steps: readonly Step[]): Row[] {
  const row = (what: string, unit: string, value: (step: Step) => number): Row => {
    const found = slope(steps.map(step => [step.count, value(step)] as const));
    const contestants: Row['contestants'] = [{ name: 'nibox', role: 'nibox', samples: [found.slope] }];
    return { what: `per NI more: ${what}`, unit, better: 'lower', contestants };
  };
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const bend = last.bringUpS / last.count / (first.bringUpS / first.count);
  return [
    row('bring-up', 's', ({ bringUpS }) => bringUpS),
    row('all processes, PSS', 'MB', ({ allMB }) => allMB),
    row('the supervisor, USS', 'MB', ({ supervisorMB }) => supervisorMB),
    {
      what: `bring-up per NI at ${last.count}, of that at ${first.count}`,
      unit: '×',
      better: 'lower',
      contestants: [{ name: 'nibox', role: 'nibox', samples: [bend] }],
      goal: { atMost: LINEAR },
    },
  ];
}
