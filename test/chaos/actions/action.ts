import type { ChaosDevice } from '../device/device.ts';
import type { Ni } from '../device/layout.ts';
import type { Traffic } from '../flows/traffic.ts';
import type { Observer, Snapshot } from '../judge/observer.ts';
import type { Random } from '../random.ts';

/** What actions work with. */
export interface Field {
  device: ChaosDevice;
  traffic: Traffic;
  observer: Observer;
}

/** death: something ended or hangs, or anything else that no flow may notice; cut: packets may be lost until it is repaired. */
export type Effect = 'death' | 'cut';

/** A kind of action. */
export interface ActionKind {
  name: string;
  effect: Effect;
  /** How often, beside others. */
  weight: number;
  /** What it can be done to; one at a time for each. */
  targets: readonly string[];
  /** NIs that it is about: they must be healthy again, and a cut excuses losses in them. */
  affects(target: string): readonly Ni[];
  /** Never twice at the same time: it would meet itself. */
  isAlone?: boolean;
  /** Does it. Null: there was nothing to do it to. */
  perform(field: Field, target: string, random: Random): Promise<Deed | null>;
}

/** What was done. */
export interface Deed {
  /** For the report. */
  detail: string;
  /** The thing that was taken is there again. `snapshot` was asked for after the action. */
  isUndone(snapshot: Snapshot): boolean | Promise<boolean>;
}

export const itself = (target: string): readonly Ni[] => [target as Ni];
