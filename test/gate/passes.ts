import type { Program } from './trace.ts';

/** Each of these stands for one command, whatever it is about: `ip -j -4 route`. */
const kindOf = ({ command }: Program) => command.split(' ').slice(0, 4).join(' ');

/** How many programs of each kind. */
export type Kinds = ReadonlyMap<string, number>;

export function kindsOf(programs: readonly Program[]): Kinds {
  const kinds = new Map<string, number>();
  for (const program of programs) kinds.set(kindOf(program), (kinds.get(kindOf(program)) ?? 0) + 1);
  return kinds;
}

/**
 * What one pass with nothing to do starts. How many passes there were depends on when events came: it is the number of the rarest
 * kind, which each pass starts once.
 */
export function idlePass(programs: readonly Program[]): Kinds {
  const passes = Math.min(...kindsOf(programs).values());
  return new Map([...kindsOf(programs)].map(([kind, count]) => [kind, count / passes]));
}

/** What was started beside the looks that every pass takes, which depend on how many passes there were. */
export function beside(pass: Kinds, programs: readonly Program[]): Program[] {
  return programs.filter(program => !pass.has(kindOf(program)));
}

/** How many passes there can have been. */
export function passesIn(pass: Kinds, programs: readonly Program[]): number {
  const kinds = kindsOf(programs);
  return Math.min(...[...pass].map(([kind, count]) => (kinds.get(kind) ?? 0) / count));
}

/** For a person. */
export function listed(kinds: Kinds): string[] {
  return [...kinds].map(([kind, count]) => `${count} × ${kind}`);
}
