import type { z } from 'zod';
import type { Reporter } from '../issue.ts';
import { describeLimit, type Limit, type Limits } from '../limit.ts';
import { below } from '../path.ts';
import { number, orNothing } from './schema-parts.ts';

type Section<K extends string> = Partial<Record<K, number | null | undefined>>;

/** The schema's shape of a section that has these numbers, all optional. */
export function limitShape<K extends string>(fields: Limits<K>) {
  const entries = Object.entries<Limit>(fields).map(([key, field]) => [key, orNothing(number(describeLimit(field)))]);
  return Object.fromEntries(entries) as Record<K, z.ZodOptional<z.ZodNullable<z.ZodNumber>>>;
}

/** The section's numbers, with those of `base` for what it does not say. Refuses what is out of range. */
export function readLimits<K extends string>(
  fields: Limits<K>,
  section: Section<K> | null | undefined,
  base: Readonly<Record<K, number>>,
  path: string,
  report: Reporter,
): Record<K, number> {
  const limits: Record<K, number> = { ...base };
  for (const key of Object.keys(fields) as K[]) {
    const value = section?.[key];
    if (value === null || value === undefined) continue;
    const { isWhole, initial, least, most } = fields[key];
    limits[key] = value;
    if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) continue;
    const reason = `is not ${describeLimit(fields[key])} from ${least} to ${most}`;
    report.refuse({ path: below(path, key), value }, reason, `write one, for example ${initial}`);
  }
  return limits;
}
