import type { BenchContext, Contestant, Role } from './benchmark.ts';

/** Measured once; gives one number in the row's unit, or several. */
export interface Entrant {
  name: string;
  role: Role;
  measure(): Promise<number | number[]>;
}

/**
 * Measures all in turn, round after round: what disturbs the machine meanwhile disturbs all alike. Each round begins with
 * another one.
 */
export async function interleave(context: BenchContext, entrants: readonly Entrant[]): Promise<Contestant[]> {
  const contestants = entrants.map(({ name, role }): Contestant => ({ name, role, samples: [] }));
  for (let round = 0; round < context.rounds; round++) {
    for (let turn = 0; turn < entrants.length; turn++) {
      context.signal.throwIfAborted();
      const index = (round + turn) % entrants.length;
      context.say(`round ${round + 1} of ${context.rounds}: ${entrants[index]!.name}`);
      contestants[index]!.samples.push(...[await entrants[index]!.measure()].flat());
    }
  }
  return contestants;
}
