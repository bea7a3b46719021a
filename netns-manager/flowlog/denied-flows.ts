import type { DeniedFlow } from '../acl/observe.ts';

/** What a denied flow has grown by since the last look. */
export interface DeniedGrowth {
  flow: DeniedFlow;
  /** Unix milliseconds of the look before, or of this one when the flow is new. */
  since: number;
}

/** Finds what is new in the kernel's list of denied flows. Holds no more than the last list. */
export class DeniedFlows {
  #known = new Map<string, { packets: number; bytes: number; seen: number }>();

  /** Takes the whole list as read at `now`; gives the flows that are new or have grown, with the growth as their count. */
  update(flows: readonly DeniedFlow[], now: number): DeniedGrowth[] {
    const known = new Map<string, { packets: number; bytes: number; seen: number }>();
    const grown: DeniedGrowth[] = [];
    for (const flow of flows) {
      const { by, mac, source, destination, protocol, port, packets, bytes } = flow;
      const key = [by.vif, by.ace, by.user, mac, source, destination, protocol, port].join(' ');
      let before = this.#known.get(key);
      if (before && before.packets > packets) before = undefined; // it was forgotten and came back
      if (!before || before.packets < packets) {
        const growth = { packets: packets - (before?.packets ?? 0), bytes: bytes - (before?.bytes ?? 0) };
        grown.push({ flow: { ...flow, ...growth }, since: before?.seen ?? now });
      }
      known.set(key, { packets, bytes, seen: now });
    }
    this.#known = known;
    return grown;
  }
}
