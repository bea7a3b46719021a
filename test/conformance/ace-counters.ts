import { setTimeout as sleep } from 'node:timers/promises';
import { type AceReport, type Nibox, readStatus } from './nibox.ts';

export type AceCount = AceReport & { networkInstance: string };

/** Milliseconds between two readings that must agree: longer than the status mostly needs to follow the kernel. */
const settleMs = 1_500;
const settleAttempts = 20;

/** The counters of all ACEs of all NIs, as the status shows them. */
export async function countAces(nibox: Nibox): Promise<AceCount[]> {
  const { networkInstances } = await readStatus(nibox);
  return networkInstances.flatMap(({ name, aces }) => (aces ?? []).map(ace => ({ ...ace, networkInstance: name })));
}

/** Counters that no earlier traffic moves any more. */
export async function settledCounts(nibox: Nibox): Promise<AceCount[]> {
  let counts = await countAces(nibox);
  for (let attempt = 0; attempt < settleAttempts; attempt++) {
    await sleep(settleMs);
    const next = await countAces(nibox);
    if (aceGrowth(counts, next).length === 0) return next;
    counts = next;
  }
  throw new Error(`the ACE counters do not come to rest within ${(settleMs * settleAttempts) / 1000} s`);
}

/** ACEs that decided more flows than before. */
export function aceGrowth(before: readonly AceCount[], after: readonly AceCount[]): AceCount[] {
  const flows = new Map(before.map(ace => [keyOf(ace), ace.flows]));
  return after.filter(ace => ace.flows > (flows.get(keyOf(ace)) ?? 0));
}

/** ACEs in words. */
export function sayAces(aces: readonly AceCount[]): string {
  return aces.map(ace => `${ace.app}'s ACE ${ace.aceId} in ${ace.networkInstance}`).join(', ') || 'none';
}

const keyOf = ({ networkInstance, vif, aceId }: AceCount) => `${networkInstance} ${vif} ${aceId}`;
