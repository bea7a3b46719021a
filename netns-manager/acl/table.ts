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
  /** A map: each element is `key : value`. Nobody but the manager puts elements into one. */
  isMap?: true;
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
  /** A VIF's ACL is entered here and nowhere else: while it drops, what it leads to can be loaded in pieces. See staged-load.ts. */
  isGate?: true;
  rules: string[];
}

/** A map of a key of this type to values of that type. `isInterval`: keys may be ranges and prefixes. */
export function namedMap(
  name: string,
  [key, value]: readonly [string, string],
  elements: string[],
  isInterval = false,
): NamedSet {
  const definition = [`type ${key} : ${value}`, ...(isInterval ? ['flags interval'] : [])];
  return { name, isMap: true, definition, elements, dynamic: false };
}

/** nibox's tables have this name in every family. */
export const TABLE_NAME = 'nibox';
