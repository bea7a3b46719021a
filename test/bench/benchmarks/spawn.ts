import type { Benchmark, Row } from '../benchmark.ts';
import { interleave } from '../interleave.ts';
import { EMPTY, MANAGER, type Program, startProgram } from '../programs.ts';

const COUNTS = [1, 10, 50];
/** The goal of the project, beside an empty Node process that listens. */
const MOST = 1.5;

/** How long a manager takes from spawn to the first answer. */
export const spawn: Benchmark = {
  name: 'spawn',
  title:
    'From spawn to the first answer at the socket, each in a namespace of its own; with several at once, the last one',
  async run(context) {
    const rows: Row[] = [];
    for (const count of COUNTS) {
      const contestants = await interleave(context, [
        { name: 'nibox', role: 'nibox', measure: () => lastReady(MANAGER, count) },
        { name: EMPTY.name, role: 'floor', measure: () => lastReady(EMPTY, count) },
      ]);
      rows.push({
        what: count === 1 ? '1 manager' : `${count} managers at once`,
        unit: 'ms',
        better: 'lower',
        contestants,
        goal: { atMost: MOST, times: EMPTY.name },
      });
    }
    return rows;
  },
};

async function lastReady(program: Program, count: number): Promise<number> {
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => startProgram(process.execPath, program)),
  );
  const running = started.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
  await Promise.all(running.map(one => one.end()));
  for (const one of started) if (one.status === 'rejected') throw one.reason;
  return Math.max(...running.map(one => one.readyMs));
}
