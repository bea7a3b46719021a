import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Benchmark, Row } from '../benchmark.ts';
import { type ManyDevice, startMany } from '../many-device.ts';

const COUNT = 50;
/** A manager that served for 10 s is restarted at once; one that dies six times a minute is failed. */
const IN_SERVICE_MS = 13_000;
const TIMEOUT_MS = 60_000;

/** How long it takes until what was killed serves again. */
export const restart: Benchmark = {
  name: 'restart',
  title: `From SIGKILL to service again, with ${COUNT} network instances`,
  async run(context) {
    const many = await startMany({ signal: context.signal });
    try {
      await many.grow(COUNT);
      const row = async (what: string, measure: () => Promise<number>): Promise<Row> => {
        const samples: number[] = [];
        for (let round = 0; round < context.rounds; round++) samples.push(await once(context, what, measure));
        return { what, unit: 'ms', better: 'lower', contestants: [{ name: 'nibox', role: 'nibox', samples }] };
      };
      return [
        await row('one manager', () => killManagers(many, 1)),
        await row(`all ${COUNT} managers at once`, () => killManagers(many, COUNT)),
        await row('the supervisor, all its managers adopted', () => killSupervisor(many)),
      ];
    } finally {
      await many.down();
    }
  },
};

async function once({ signal, say }: BenchContext, what: string, measure: () => Promise<number>): Promise<number> {
  signal.throwIfAborted();
  say(what);
  await sleep(IN_SERVICE_MS, undefined, { signal });
  return measure();
}

async function killManagers(many: ManyDevice, count: number): Promise<number> {
  const before = new Set((await many.managers()).slice(0, count));
  const start = performance.now();
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await untilAllRun(many, pid => !before.has(pid));
  return performance.now() - start;
}

async function killSupervisor(many: ManyDevice): Promise<number> {
  const { pid } = (await many.status()).supervisor;
  process.kill(pid, 'SIGKILL');
  while (await many.device.world.supervisor()) await sleep(1);
  const start = performance.now();
  await many.device.startSupervisor();
  await untilAllRun(many, () => true);
  return performance.now() - start;
}

async function untilAllRun(many: ManyDevice, isNew: (pid: number) => boolean): Promise<void> {
  for (const until = performance.now() + TIMEOUT_MS; performance.now() < until; await sleep(2)) {
    const status = await many.status().catch(() => null);
    const runs = status?.networkInstances.every(({ state, stale, manager }) => {
      return state === 'online' && stale === null && manager.state === 'running' && isNew(manager.pid ?? 0);
    });
    if (runs && status?.networkInstances.length === COUNT) return;
  }
  throw new Error(`not all ${COUNT} network instances serve again after ${TIMEOUT_MS / 1000} s`);
}
