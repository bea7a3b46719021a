/** Pure arithmetic on IPv4 and IPv6 addresses and prefixes. No dependencies: the manager uses it too. */

export interface Address {
  family: 4 | 6;
  value: bigint;
}

export interface Cidr {
  family: 4 | 6;
  /** Network address: the host bits are zero. */
  value: bigint;
  prefixLength: number;
}

/** An address with the length of its network's prefix, as `ip addr` writes it: 192.168.0.2/24. */
export interface HostAddress {
  address: Address;
  network: Cidr;
}

/** Number of bits in an address of a family. */
export function addressBits(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Reads an IPv4 or IPv6 address; null if the text is none. Zones (`%eth0`), ports and leading zeros are refused. */
export function parseAddress(text: string): Address | null {
  const value = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return value === null ? null : { family: text.includes(':') ? 6 : 4, value };
}

/** Canonical text: dotted quad, or RFC 5952 for IPv6 (with the dotted form for IPv4-mapped addresses). */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatIpv4(address.value) : formatIpv6(address.value);
}

/** Orders addresses: all of IPv4 before all of IPv6, then by value. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** Reads `network/length`, masking host bits away; null if the text is none. A bare address is no CIDR. */
export function parseCidr(text: string): Cidr | null {
  return parseHostAddress(text)?.network ?? null;
}

/** Reads `address/length`, keeping both the address and its network; null if the text is none. */
export function parseHostAddress(text: string): HostAddress | null {
  const slash = text.indexOf('/');
  if (slash < 0) return null;
  const address = parseAddress(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (!address || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return null;
  const prefixLength = Number(lengthText);
  if (prefixLength > addressBits(address.family)) return null;
  return { address, network: networkOf(address, prefixLength) };
}

/** Reads a CIDR, or a bare address as a prefix of full length. */
export function parsePrefix(text: string): Cidr | null {
  const address = parseAddress(text);
  return address ? { ...address, prefixLength: addressBits(address.family) } : parseCidr(text);
}

/** The network of that prefix length in which an address lies. */
export function networkOf(address: Address, prefixLength: number): Cidr {
  const hostBits = BigInt(addressBits(address.family) - prefixLength);
  return { family: address.family, value: (address.value >> hostBits) << hostBits, prefixLength };
}

/** Canonical text: `10.10.1.0/24`, `fd00::/64`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr)}/${cidr.prefixLength}`;
}

/** How many addresses a prefix holds, network and broadcast included. */
export function addressCount(cidr: Cidr): bigint {
  return 1n << BigInt(addressBits(cidr.family) - cidr.prefixLength);
}

/** Whether an address lies in a prefix; never across families. */
export function cidrContains(cidr: Cidr, address: Address): boolean {
  return (
    address.family === cidr.family && address.value >= cidr.value && address.value < cidr.value + addressCount(cidr)
  );
}

/** Whether two prefixes share an address. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return cidrContains(a, b) || cidrContains(b, a);
}

/** Text of the address at an offset from the network address; throws RangeError when it lies outside the prefix. */
export function addressAt(cidr: Cidr, offset: bigint): string {
  if (offset < 0n || offset >= addressCount(cidr)) {
    throw new RangeError(`there is no address number ${offset} in ${formatCidr(cidr)}`);
  }
  return formatAddress({ family: cidr.family, value: cidr.value + offset });
}

/** The last address of a prefix: the broadcast address in IPv4. */
export function lastAddress(cidr: Cidr): Address {
  return { family: cidr.family, value: cidr.value + addressCount(cidr) - 1n };
}

/** Canonical text of an address, or null: `FD00:0::1` gives `fd00::1`. */
export function canonicalAddress(text: string): string | null {
  const address = parseAddress(text);
  return address && formatAddress(address);
}

/** Canonical text of a CIDR, or null: `10.1.2.3/8` gives `10.0.0.0/8`. */
export function canonicalCidr(text: string): string | null {
  const cidr = parseCidr(text);
  return cidr && formatCidr(cidr);
}

function parseIpv4(text: string): bigint | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  let value = 0n;
  for (const part of text.split('.')) {
    // A leading zero means octal to some programs and decimal to others.
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return null;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseIpv6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (!head || tail === null) return null;
  if (tail === undefined) return head.length === 8 ? joinGroups(head) : null;
  const missing = 8 - head.length - tail.length;
  return missing < 1 ? null : joinGroups([...head, ...Array<number>(missing).fill(0), ...tail]);
}

/** 16-bit groups of one side of `::`; the last group of an address may be a dotted quad. */
function parseGroups(text: string, isLast: boolean): number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (isLast && index === parts.length - 1 && part.includes('.')) {
      const quad = parseIpv4(part);
      if (quad === null) return null;
      groups.push(Number(quad >> 16n), Number(quad & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups.length <= 8 ? groups : null;
}

function joinGroups(groups: number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map(shift => String((value >> shift) & 0xffn)).join('.');
}

function formatIpv6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(value & 0xffff_ffffn)}`;
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const zeros = longestZeroRun(groups);
  const hex = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':');
  // RFC 5952: the first longest run of at least two zero groups becomes `::`.
  return zeros.length < 2 ? hex(0) : `${hex(0, zeros.start)}::${hex(zeros.start + zeros.length)}`;
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}
