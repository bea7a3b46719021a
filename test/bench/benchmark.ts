/** What a row compares: nibox's own figure, what the machine can do at best, and how others do it. */
export type Role = 'nibox' | 'floor' | 'peer';

/** One of those that are measured in turn. */
export interface Contestant {
  name: string;
  role: Role;
  samples: number[];
}

/** Nibox's median beside that of another contestant (a factor), or beside a number in the row's unit. */
export type Goal = { atMost: number; times?: string; why?: string } | { atLeast: number; times?: string; why?: string };

/** One line of the table. */
export interface Row {
  /** `1 manager, fresh`. */
  what: string;
  /** `ms`, `MB`, `Mbit/s`. */
  unit: string;
  better: 'lower' | 'higher';
  contestants: Contestant[];
  goal?: Goal;
}

/** What a benchmark is given. */
export interface BenchContext {
  /** How often each contestant is measured. */
  rounds: number;
  /** Ended early: benchmarks give up at their next step, and remove what they made. */
  signal: AbortSignal;
  /** Shown while it runs, not kept. */
  say(text: string): void;
  /** `--minutes`, of the benchmarks that run for a time. */
  minutes: number | null;
}

/** One benchmark: `npm run bench -- NAME`. Each removes what it makes, also when it fails. */
export interface Benchmark {
  name: string;
  /** What it measures, in one line. */
  title: string;
  run(context: BenchContext): Promise<Row[]>;
}
