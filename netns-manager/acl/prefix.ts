import { addressBits, formatCidr, lastAddress, parsePrefix as parseCidrOrAddress } from '../../shared/net/address.ts';

export type Family = 4 | 6;

/**
 * A CIDR block. `low` and `high` are its first and last address as hex digits of equal length: plain string comparison orders
 * them, which makes comparing thousands of ACEs cheap.
 */
export interface Prefix {
  family: Family;
  length: number;
  low: string;
  high: string;
  /** As nft wants it: `10.0.0.0/8`, or a bare address. */
  text: string;
}

/** Of a long ACL each address is asked for dozens of times in one pass. */
const known = new Map<string, Prefix | null>();
/** Entries; then it begins anew. Some 0.3 KB each. */
const MOST_KNOWN = 2048;

/** Parses an address or CIDR, host bits cleared; null when it is neither. */
export function parsePrefix(text: string): Prefix | null {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size >= MOST_KNOWN) known.clear();
  const prefix = readPrefix(text);
  known.set(text, prefix);
  return prefix;
}

function readPrefix(text: string): Prefix | null {
  const cidr = parseCidrOrAddress(text);
  if (cidr === null) return null;
  const width = addressBits(cidr.family);
  const hex = (value: bigint) => value.toString(16).padStart(width / 4, '0');
  const full = formatCidr(cidr);
  return {
    family: cidr.family,
    length: cidr.prefixLength,
    low: hex(cidr.value),
    high: hex(lastAddress(cidr).value),
    text: cidr.prefixLength === width ? withoutLength(full) : full,
  };
}

/** Whether `outer` holds every address of `inner`. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return outer.family === inner.family && outer.low <= inner.low && inner.high <= outer.high;
}

/** Whether the two have an address in common. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && a.low <= b.high && b.low <= a.high;
}

/** The addresses of one family, in canonical text; whatever is no address is left out. */
export function ofFamily(addresses: readonly string[], family: Family): string[] {
  return addresses.flatMap(address => {
    const prefix = parsePrefix(withoutLength(address));
    return prefix?.family === family ? [prefix.text] : [];
  });
}

/** `192.168.0.2/24` -> `192.168.0.2`. */
export function withoutLength(address: string): string {
  return address.split('/', 1)[0]!;
}

/** The first address, as in `low`, of the prefix of this length around another one. */
export function prefixStart({ low }: Prefix, length: number): string {
  const digits = length >> 2;
  const bits = length & 3;
  const partial = bits === 0 ? '' : (Number.parseInt(low[digits]!, 16) & (0xf0 >> bits)).toString(16);
  return (low.slice(0, digits) + partial).padEnd(low.length, '0');
}
