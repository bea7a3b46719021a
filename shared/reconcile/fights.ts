/** More repairs of one item than that, in so much time, are somebody's doing who means it. */
const TRIGGER = { repairs: 5, withinMs: 10_000 };
/** Between two repairs of an item that is fought over; doubles each time it was undone again. */
const DELAY_MS = { first: 1_000, most: 30_000 };
/** It held so long, beyond its delay: the other has stopped. */
const PEACE_MS = 10_000;

interface History {
  /** Milliseconds of the clock; only the latest. */
  times: number[];
  /** Null: no fight. */
  fight: { since: number; repairs: number; delayMs: number; last: number; told: string; toldRepairs: number } | null;
}

export interface FightsOptions {
  /** Its repair is never put off beyond the first delay: it keeps traffic apart. */
  isGuard: (item: string) => boolean;
  /** Milliseconds, ever growing. */
  now?: () => number;
}

/**
 * Notices when an item that is put right is undone again and again, and says how long to leave it then: two that undo each other as fast
 * as they can would use up the device and mend nothing.
 */
export class Fights {
  readonly #isGuard: (item: string) => boolean;
  readonly #now: () => number;
  readonly #items = new Map<string, History>();

  constructor({ isGuard, now = () => performance.now() }: FightsOptions) {
    this.#isGuard = isGuard;
    this.#now = now;
  }

  /** An item that was in place had to be put right. */
  repaired(item: string): void {
    const now = this.#now();
    const history = this.#items.get(item) ?? { times: [], fight: null };
    this.#items.set(item, history);
    history.times = [...history.times.filter(time => now - time <= TRIGGER.withinMs), now].slice(-TRIGGER.repairs - 1);
    const { fight } = history;
    if (fight) {
      fight.repairs += 1;
      fight.last = now;
      const most = this.#isGuard(item) ? DELAY_MS.first : DELAY_MS.most;
      const before = fight.delayMs;
      fight.delayMs = Math.min(fight.delayMs * 2, most);
      // Not each time: whoever logs what is told logs it now and then.
      if (fight.delayMs !== before || fight.repairs >= 2 * fight.toldRepairs) tell(fight, now);
    } else if (history.times.length > TRIGGER.repairs) {
      const [since = now] = history.times;
      const repairs = history.times.length;
      history.fight = { since, repairs, delayMs: DELAY_MS.first, last: now, told: '', toldRepairs: repairs };
      tell(history.fight, now);
    }
  }

  /** It is fought over. */
  isOn(item: string): boolean {
    return Boolean(this.#items.get(item)?.fight);
  }

  /** It is to be left for now. */
  isHeld(item: string): boolean {
    const fight = this.#items.get(item)?.fight;
    return fight ? this.#now() - fight.last < fight.delayMs : false;
  }

  /** What is fought over, in words; what has held long enough is forgotten. */
  told(): Map<string, string> {
    const now = this.#now();
    const told = new Map<string, string>();
    for (const [item, { times, fight }] of this.#items) {
      const isOver = fight ? now - fight.last > fight.delayMs + PEACE_MS : now - times.at(-1)! > TRIGGER.withinMs;
      if (isOver) this.#items.delete(item);
      else if (fight) told.set(item, fight.told);
    }
    return told;
  }

  /** Milliseconds until something is to be looked at again; null: nothing is fought over. */
  due(): number | null {
    const now = this.#now();
    const times = [...this.#items.values()].flatMap(({ fight }) => {
      if (!fight) return [];
      const next = fight.last + fight.delayMs;
      return [next > now ? next - now : next + PEACE_MS + 1 - now];
    });
    return times.length > 0 ? Math.max(0, Math.min(...times)) : null;
  }
}

function tell(fight: NonNullable<History['fight']>, now: number): void {
  const { since, repairs, delayMs } = fight;
  fight.toldRepairs = repairs;
  fight.told =
    `somebody undoes it again and again: put right ${repairs} times in ${Math.round((now - since) / 1000)} s, from now on at most ` +
    `once in ${delayMs / 1000} s; find what else configures it (another network manager, a script, a firewall service) and let it ` +
    'leave this alone';
}
