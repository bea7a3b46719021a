import { setTimeout as sleep } from 'node:timers/promises';
import { type Variant, variantOf, variants } from '../device/config.ts';
import { instances } from '../device/layout.ts';
import type { ActionKind } from './action.ts';

const HOLD_MS = { least: 200, most: 2_000 };
/** Milliseconds for a supervisor that dies over it to be back, and to take the base. */
const REVERT_MS = 25_000;
const AGAIN_MS = 200;

/** `nibox apply` of a changed config, then of the base. A supervisor that dies meanwhile begins with the base. */
export const configChanges: ActionKind = {
  name: 'change config',
  effect: 'death',
  weight: 3,
  targets: Object.keys(variants),
  affects: () => instances,
  isAlone: true,
  perform: async ({ device: { api, config } }, target, random) => {
    const name = 'chaos';
    const applied = await api.apply(variantOf(config, target as Variant), name, { dryRun: false }).then(
      ({ ok, problems }) => (ok && problems.length === 0 ? 'applied' : `not all of it: ${problems.join('; ')}`),
      (error: Error) => `not applied: ${error.message}`,
    );
    await sleep(random.between(HOLD_MS.least, HOLD_MS.most));
    const end = Date.now() + REVERT_MS;
    for (;;) {
      const isReverted = await api.apply(config, name, { dryRun: false }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReverted) return { detail: applied, isUndone: () => true };
      if (Date.now() > end) return { detail: `${applied}; the base was not taken`, isUndone: () => true };
      await sleep(AGAIN_MS);
    }
  },
};
