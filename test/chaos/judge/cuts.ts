/** Milliseconds before a cut in which a packet may have been sent that it took. */
const BEFORE_MS = 200;
/** Milliseconds after it in which packets may still miss (neighbours are asked anew). */
const PING_AFTER_MS = 1_500;
/** Milliseconds after it in which TCP finds out, beside as long as the cut took: its timer has doubled so often. */
const FLOW_AFTER_MS = 5_000;

interface Cut {
  networkInstance: string;
  began: number;
  /** Infinity: it goes on. */
  ended: number;
}

/** The times at which packets of an NI may be lost, because something on their way was taken out. Unix milliseconds. */
export class Cuts {
  readonly #cuts: Cut[] = [];

  /** Returns what ends it. */
  begin(networkInstances: readonly string[], now: number): (ended: number) => void {
    const begun = networkInstances.map(networkInstance => ({
      networkInstance,
      began: now,
      ended: Number.POSITIVE_INFINITY,
    }));
    this.#cuts.push(...begun);
    return ended => {
      for (const cut of begun) cut.ended = ended;
    };
  }

  /** Whether a ping of that time may be missing. */
  excusesPing(networkInstance: string, at: number): boolean {
    return this.#of(networkInstance).some(({ began, ended }) => at > began - BEFORE_MS && at < ended + PING_AFTER_MS);
  }

  /** Whether a flow may break at a time after having heard nothing for so many milliseconds. */
  excusesFlow(networkInstance: string, at: number, silence: number): boolean {
    return this.#of(networkInstance).some(({ began, ended }) => {
      const after = ended + (ended - began) + FLOW_AFTER_MS;
      return began - BEFORE_MS < at && at - silence < after;
    });
  }

  #of(networkInstance: string): Cut[] {
    return this.#cuts.filter(cut => cut.networkInstance === networkInstance);
  }
}
