import type { ActionKind } from './action.ts';
import { configChanges } from './config.ts';
import { cuts } from './cuts.ts';
import { everyDeath, processDeaths, restarts, supervisorDeaths } from './deaths.ts';
import { fullDisk, stateDamage } from './files.ts';
import { garbageKinds } from './garbage.ts';

export type { ActionKind, Deed, Effect, Field } from './action.ts';

/** Everything that can be done. */
export const actionKinds: readonly ActionKind[] = [
  ...processDeaths,
  ...supervisorDeaths,
  everyDeath,
  restarts,
  configChanges,
  stateDamage,
  fullDisk,
  ...garbageKinds,
  ...cuts,
];

/** Those that a run is to use. Words are parts of names; throws when one means nothing. */
export function chooseKinds(only: readonly string[], without: readonly string[]): ActionKind[] {
  for (const word of [...only, ...without]) {
    if (actionKinds.some(({ name }) => name.includes(word))) continue;
    throw new Error(
      `no kind of action has "${word}" in its name; there are: ${actionKinds.map(({ name }) => name).join(', ')}`,
    );
  }
  const has = (name: string, words: readonly string[]) => words.some(word => name.includes(word));
  return actionKinds.filter(({ name }) => (only.length === 0 || has(name, only)) && !has(name, without));
}
