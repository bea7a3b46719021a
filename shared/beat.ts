/** Of what is done again and again, in milliseconds. */
const BEAT_MS = 1_000;

interface Act {
  /** In beats. */
  every: number;
  due: number;
  act: () => void;
}

const acts = new Set<Act>();
let timer: NodeJS.Timeout | null = null;

/**
 * Like setInterval, but together with all else of this process that is done again and again: at rest it wakes up once a second instead
 * of once for each. Shorter and odd intervals have a timer of their own. Returns how to stop.
 */
export function repeat(ms: number, act: () => void): () => void {
  if (ms % BEAT_MS !== 0) {
    const own = setInterval(act, ms);
    return () => clearInterval(own);
  }
  const every = ms / BEAT_MS;
  const one: Act = { every, due: every, act };
  acts.add(one);
  timer ??= setInterval(beat, BEAT_MS);
  return () => {
    acts.delete(one);
    if (acts.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function beat(): void {
  for (const one of [...acts]) {
    one.due -= 1;
    if (one.due > 0 || !acts.has(one)) continue;
    one.due = one.every;
    one.act();
  }
}
