import type { z } from 'zod';
import type { Reporter } from '../issue.ts';
import { below } from '../path.ts';
import { SUPERVISION, SUPERVISION_DEFAULTS, type SupervisionLimits } from '../supervision.ts';
import { limitShape, readLimits } from './limits.ts';
import { mapping } from './schema-parts.ts';

export const supervisionSchema = mapping(
  limitShape(SUPERVISION),
  'a mapping, for example { readyDeadline: 30 }',
).describe('How managers are watched and restarted; times in seconds.');

/** The limits, with defaults for what the document does not say. */
export function readSupervision(
  section: z.infer<typeof supervisionSchema> | null | undefined,
  report: Reporter,
): SupervisionLimits {
  const limits: SupervisionLimits = readLimits(
    SUPERVISION,
    section,
    { ...SUPERVISION_DEFAULTS },
    'supervision',
    report,
  );
  if (limits.restartDelayMax < limits.restartDelay) {
    const told = { path: below('supervision', 'restartDelayMax'), value: limits.restartDelayMax };
    report.refuse(told, `is less than restartDelay (${limits.restartDelay})`, 'make it at least as long');
  }
  return limits;
}
