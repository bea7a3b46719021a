import type { Told } from '../issue.ts';
import { below } from '../path.ts';

/** Reads fields of a mapping together with where they stand. Empty ones count as absent. */
export function toldIn<T extends object>(mapping: T, path: string) {
  return <K extends keyof T & string>(key: K): Told<NonNullable<T[K]> | undefined> => ({
    path: below(path, key),
    value: mapping[key] ?? undefined,
  });
}
