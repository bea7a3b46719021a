import type { z } from 'zod';
import type { Reporter } from '../issue.ts';
import { below } from '../path.ts';
import { RESOURCES, type ResourceLimits } from '../resources.ts';
import { limitShape, readLimits } from './limits.ts';
import { mapping } from './schema-parts.ts';

export const resourcesSchema = mapping(limitShape(RESOURCES), 'a mapping, for example { memoryMax: 384 }').describe(
  'What each manager with its services may take: memory, processes, file descriptors, log lines.',
);

/** The limits, with those of `base` for what the section does not say. */
export function readResources(
  section: z.infer<typeof resourcesSchema> | null | undefined,
  base: ResourceLimits,
  path: string,
  report: Reporter,
): ResourceLimits {
  const limits: ResourceLimits = readLimits(RESOURCES, section, { ...base }, path, report);
  if (limits.memoryHigh > limits.memoryMax) {
    // Who lowers only the harder limit means both.
    if (section?.memoryHigh === null || section?.memoryHigh === undefined) limits.memoryHigh = limits.memoryMax;
    else {
      const told = { path: below(path, 'memoryHigh'), value: limits.memoryHigh };
      report.refuse(told, `is more than memoryMax (${limits.memoryMax})`, 'make it smaller, or memoryMax larger');
    }
  }
  return limits;
}
