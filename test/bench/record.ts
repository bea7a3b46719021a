import { readFile, writeFile } from 'node:fs/promises';
import type { Row } from './benchmark.ts';
import type { Machine } from './machine.ts';

/** One benchmark's figures, and where they come from. */
export interface Result {
  name: string;
  title: string;
  rows: Row[];
  error: string | null;
  seconds: number;
  rounds: number;
  /** ISO 8601. */
  at: string;
  machine: Machine;
}

/** The figures of a file, by benchmark; none when it is not there. Throws when it is something else. */
export async function readRecord(file: string): Promise<Result[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"results":[]}';
    throw error;
  });
  try {
    return (JSON.parse(text) as { results: Result[] }).results;
  } catch (cause) {
    throw new Error(`${file} has no figures of benchmarks; name another file, or remove it`, { cause });
  }
}

/** Writes a result in place of the last one of its benchmark; those of others stay. `order`: the benchmarks' names. */
export async function keepResult(file: string, result: Result, order: readonly string[]): Promise<Result[]> {
  const others = (await readRecord(file)).filter(({ name }) => name !== result.name);
  const results = [...others, result].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  await writeFile(file, `${JSON.stringify({ results }, null, 1)}\n`);
  return results;
}
