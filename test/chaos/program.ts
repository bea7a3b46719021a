import type { ActionKind } from './actions/index.ts';
import { instances, type Ni, uplinks } from './device/layout.ts';
import type { Random } from './random.ts';

/** Milliseconds between two actions. */
const GAP_MS = { least: 100, most: 500 };
/** Actions until cuts go to another zone: long enough that flows elsewhere live through nothing but deaths. */
const ZONE_ACTIONS = { least: 30, most: 70 };
/** How often an action waits until its target is healthy again, and for how long; else faults pile up. */
const WAIT = { chance: 0.5, most: 2_000 };

/** What is done next. */
export interface Step {
  kind: ActionKind;
  target: string;
  /** Milliseconds to wait before. */
  gap: number;
  /** Milliseconds to wait, at most, for the target to be healthy. */
  patience: number;
  random: Random;
}

/** Where packets may be cut: nowhere, on one uplink, or everywhere. */
const zones: readonly (readonly Ni[])[] = [[], [], ...Object.values(uplinks), instances, instances];

/** The actions of a seed, without end. Nothing that happens changes what comes next, only when. */
export function* program(kinds: readonly ActionKind[], random: Random): Generator<Step, never> {
  for (;;) {
    const zone = new Set<string>(random.pick(zones));
    const possible = kinds
      .map(kind => ({ kind, targets: kind.targets.filter(target => isAllowed(kind, target, zone)) }))
      .filter(({ targets }) => targets.length > 0);
    const count = random.between(ZONE_ACTIONS.least, ZONE_ACTIONS.most);
    for (let index = 0; index < count && possible.length > 0; index += 1) {
      const { kind, targets } = random.pickWeighted(possible, one => weightIn(one.kind, zone.size));
      yield {
        kind,
        target: random.pick(targets),
        gap: random.between(GAP_MS.least, GAP_MS.most),
        patience: random.chance(WAIT.chance) ? WAIT.most : 0,
        random: random.fork(),
      };
    }
  }
}

/** A single NI that took all cuts would never be healthy in between. */
function weightIn({ effect, weight }: ActionKind, zoneSize: number): number {
  return effect === 'cut' ? (weight * zoneSize) / instances.length : weight;
}

function isAllowed(kind: ActionKind, target: string, zone: ReadonlySet<string>): boolean {
  return kind.effect === 'death' || kind.affects(target).every(ni => zone.has(ni));
}
