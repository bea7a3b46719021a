/** One thing that the manager keeps in the kernel or running. It is as it should be when `intended` and `actual` say the same. */
export interface Item {
  /** "link", "address", "route", "sysctl", "nft", "vif", "dnsmasq", "metadata", … */
  kind: string;
  /** Unique in its kind. */
  id: string;
  /** A few words for people; ABSENT: it should not be there. */
  intended: string;
  /** What was found, in the same words. */
  actual: string;
  /** Keys of the items that must be in place before this one can be. */
  dependsOn: readonly string[];
  /** When it is missing and nothing failed: what it waits for outside the manager. */
  waitsFor?: string;
}

export const ABSENT = 'absent';

/** How items are named in errors, dependencies and topics. */
export function itemKey(kind: string, id: string): string {
  return `${kind}:${id}`;
}
