import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Row } from '../benchmark.ts';
import { type ManyDevice, startMany } from '../many-device.ts';
import { countFiles, readMemory } from '../memory.ts';
import { slope } from '../statistics.ts';

const COUNT = 5;
const DEFAULT_MINUTES = 2;
/** What is warming up is no growth: this share of the time comes before the first look. */
const WARM_UP = 1 / 3;
const LOOKS = 40;
/** Between changes: some 10 a second. */
const PAUSE_MS = 50;

interface Look {
  /** Hours since the start. */
  at: number;
  manager: number;
  supervisor: number;
  managerFiles: number;
  supervisorFiles: number;
}

/** Growth under changes that never end. */
export const soak: Benchmark = {
  name: 'soak',
  title: `${DEFAULT_MINUTES} minutes of changes (--minutes for more): the slope of memory and open files, and its 95 % interval`,
  async run({ minutes, signal, say }) {
    const many = await startMany({ signal });
    try {
      await many.grow(COUNT);
      const durationMs = (minutes ?? DEFAULT_MINUTES) * 60_000;
      const [start, looks] = [performance.now(), [] as Look[]];
      const due = () => durationMs * (WARM_UP + ((1 - WARM_UP) * looks.length) / LOOKS);
      let changes = 0;
      for (; performance.now() - start < durationMs; changes++) {
        signal.throwIfAborted();
        await many.change([{ id: 9, protocol: 'tcp', fport: 1000 + (changes % 500), ip: '0.0.0.0/0' }]);
        await sleep(PAUSE_MS);
        if (performance.now() - start < due()) continue;
        say(`${changes} changes`);
        looks.push(await look(many, (performance.now() - start) / 3_600_000));
      }
      return [
        grows(`manager, USS, ${changes} changes`, 'MB/h', looks, ({ manager }) => manager),
        grows('supervisor, USS', 'MB/h', looks, ({ supervisor }) => supervisor),
        grows('manager, open files', '1/h', looks, ({ managerFiles }) => managerFiles),
        grows('supervisor, open files', '1/h', looks, ({ supervisorFiles }) => supervisorFiles),
      ];
    } finally {
      await many.down();
    }
  },
};

async function look(many: ManyDevice, at: number): Promise<Look> {
  const [manager = 0] = await many.managers();
  const { pid: supervisor } = (await many.status()).supervisor;
  return {
    at,
    manager: readMemory(manager).uss,
    supervisor: readMemory(supervisor).uss,
    managerFiles: countFiles(manager),
    supervisorFiles: countFiles(supervisor),
  };
}

/** Met when the slope can't be told from 0: its lower bound is not above. */
function grows(what: string, unit: string, looks: readonly Look[], value: (look: Look) => number): Row {
  const found = slope(looks.map(look => [look.at, value(look)] as const));
  const words = `${what}: slope ${found.slope.toFixed(2)} ± ${found.uncertainty.toFixed(2)}; lower bound`;
  const samples = [found.slope - found.uncertainty];
  return {
    what: words,
    unit,
    better: 'lower',
    contestants: [{ name: 'nibox', role: 'nibox', samples }],
    goal: { atMost: 0 },
  };
}
