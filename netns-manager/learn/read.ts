import { listElements, type Nft, type NftElement, nft } from '../../shared/kernel/nft.ts';
import { formatAddress, parseAddress } from '../../shared/net/address.ts';
import { ACL_TABLES } from '../acl/observe.ts';
import { ARP_SECONDS, LEARNT_SETS, LEASE_SECONDS, ND_SECONDS, NO_LEASE_TIME } from './rules.ts';

/** One address of an app, and what told of it. */
export interface Sighting {
  mac: string;
  /** In canonical text. */
  address: string;
  source: 'dhcp' | 'arp' | 'nd';
  /** When it was told last, and until when that counts: Unix milliseconds. */
  seen: number;
  until: number;
}

/** How long a lease counts that did not say. Seconds. */
const UNKNOWN_LEASE_SECONDS = 86_400;

/** Reads what the kernel has noted; `now` in Unix milliseconds. Throws CommandError when the table is not there. */
export async function readSightings(now: number, nftables: Nft = nft): Promise<Sighting[]> {
  const names = [LEARNT_SETS.dhcp, LEARNT_SETS.arp, LEARNT_SETS.nd];
  const [dhcp = [], arp = [], nd = []] = await listElements(nftables, ACL_TABLES.switch, names);
  return [
    ...dhcp.flatMap(element => toSighting(element, 'dhcp', LEASE_SECONDS, now)),
    ...arp.flatMap(element => toSighting(element, 'arp', ARP_SECONDS, now)),
    ...nd.flatMap(element => toSighting(element, 'nd', ND_SECONDS, now)),
  ];
}

/** Turns an element of a set with that timeout (seconds) into a sighting; none when it names no host's address. */
export function toSighting(
  { key: [mac, address, leaseTime], expires }: NftElement,
  source: Sighting['source'],
  timeout: number,
  now: number,
): Sighting[] {
  const text = toAddress(address, source);
  if (mac === undefined || text === null) return [];
  const seen = now - 1000 * (timeout - (expires ?? timeout));
  const counts = source === 'dhcp' ? leaseSeconds(Number(leaseTime)) : timeout;
  return [{ mac: toMac(mac), address: text, source, seen, until: seen + 1000 * counts }];
}

function leaseSeconds(time: number): number {
  return time === NO_LEASE_TIME ? UNKNOWN_LEASE_SECONDS : Math.min(time, LEASE_SECONDS);
}

/** nft prints raw parts of packets as numbers, and those that a JSON reader may not take as hexadecimal text. */
function toMac(part: string | number): string {
  if (typeof part === 'string' && part.includes(':')) return part;
  return BigInt(part)
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?=.)/g, '$&:');
}

function toAddress(part: string | number | undefined, source: Sighting['source']): string | null {
  if (part === undefined) return null;
  const family = source === 'nd' ? 6 : 4;
  const isText = typeof part === 'string' && /[.:]/.test(part);
  const address = isText ? parseAddress(part) : ({ family, value: BigInt(part) } as const);
  return address && isHost(address.family, address.value) ? formatAddress(address) : null;
}

/** Neither unspecified, loopback nor multicast. */
function isHost(family: 4 | 6, value: bigint): boolean {
  if (family === 6) return value > 1n && value >> 120n !== 0xffn;
  const first = value >> 24n;
  return first > 0n && first < 224n && first !== 127n;
}
