/** The rules of a namespace as plain, ordered data: what is wanted, and (kept by the manager) what was loaded last. */
export interface Ruleset {
  tables: Table[];
}

export interface Table {
  family: 'inet' | 'bridge';
  name: string;
  /** Named counters. They keep their values as long as they are in the ruleset. */
  counters: string[];
  sets: NamedSet[];
  chains: Chain[];
}

export interface NamedSet {
  name: string;
  /** Its statements: `type ipv4_addr`, `flags dynamic,timeout`, ... */
  definition: string[];
  /** Elements that the manager wants in it. */
  elements: string[];
  /** Others add elements too (dnsmasq, the packet path): those are left alone and don't count as drift. */
  dynamic: boolean;
}

export interface Chain {
  name: string;
  /** `type filter hook forward priority filter; policy accept;`; absent: entered by jumps only. */
  hook?: string;
  rules: string[];
}

/** nibox's tables have this name in every family. */
export const TABLE_NAME = 'nibox';
