/** charon tells times in whole seconds from now: what was computed from one a moment ago is kept unless it is that far off. */
const TOLERANCE_MS = 2_500;

/** Turns "so many seconds ago" and "in so many seconds" into points in time that stay the same from one look to the next. */
export class StableTimes {
  #known = new Map<string, number>();
  #next = new Map<string, number>();
  #now = 0;

  /** Begins a look at the SAs; what the last one did not ask for is forgotten. */
  begin(now: number): void {
    this.#known = this.#next;
    this.#next = new Map();
    this.#now = now;
  }

  /** Unix milliseconds; 0 for null. */
  ago(key: string, seconds: number | null): number {
    return seconds === null ? 0 : this.#stable(key, this.#now - seconds * 1000);
  }

  /** Unix milliseconds; 0 for null. */
  in(key: string, seconds: number | null): number {
    return seconds === null ? 0 : this.#stable(key, this.#now + seconds * 1000);
  }

  #stable(key: string, time: number): number {
    const known = this.#known.get(key);
    const stable = known !== undefined && Math.abs(known - time) <= TOLERANCE_MS ? known : time;
    this.#next.set(key, stable);
    return stable;
  }
}
