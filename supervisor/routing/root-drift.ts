import type { Log } from '../../shared/log/log.ts';
import { Fights } from '../../shared/reconcile/fights.ts';
import type { RootIntent } from './intent.ts';

/** From the first event of a burst to the look. */
const QUIET_MS = 200;
/** The same while somebody undoes what is put right: each undoing is an event. */
const FIGHT_QUIET_MS = 1_000;

/**
 * Tells what somebody else changed in the device's namespace from what a new config changes. Rules, routes and filters there keep network
 * instances and uplinks apart, and links carry them: none of it is ever left undone for longer than the second between two looks.
 */
export class RootDrift {
  readonly #log: Log;
  readonly #fights = new Fights({ isGuard: () => true });
  #settled = '';

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param changes what a pass wrote, in words that are the same each time */
  note(intent: RootIntent, changes: readonly string[]): void {
    const fingerprint = JSON.stringify(intent);
    const isDrift = this.#settled === fingerprint && changes.length > 0;
    this.#settled = fingerprint;
    if (!isDrift) return;
    const before = this.#fights.told();
    for (const change of changes) this.#fights.repaired(change);
    const fought = this.#fights.told();
    const others = changes.filter(change => !fought.has(change));
    if (others.length > 0)
      this.#log.warn({ drift: true, found: others }, `drift in the root network: ${others.join('; ')}; put right`);
    for (const [item, told] of fought)
      if (before.get(item) !== told) this.#log.error({ fight: true, item }, `${item}: ${told}`);
  }

  /** What is fought over, in words. */
  told(): string[] {
    return [...this.#fights.told()].map(([item, told]) => `${item}: ${told}`);
  }

  settleMs(): number {
    return this.#fights.told().size > 0 ? FIGHT_QUIET_MS : QUIET_MS;
  }
}
