import { type Address, cidrContains, parseCidr } from '../../net/address.ts';

const SPECIAL = (
  [
    ['0.0.0.0/8', 'no address of a host'],
    ['127.0.0.0/8', 'a loopback address'],
    ['169.254.0.0/16', 'a link-local address'],
    ['224.0.0.0/4', 'a multicast address'],
    ['240.0.0.0/4', 'a reserved or broadcast address'],
    ['::/127', 'a loopback address'],
    ['fe80::/10', 'a link-local address'],
    ['ff00::/8', 'a multicast address'],
  ] as const
).map(([range, kind]) => ({ range: parseCidr(range)!, kind }));

/** What an address is if it can't be that of one host somewhere in a network (Go's "not global unicast"); else undefined. */
export function specialKind(address: Address): string | undefined {
  return SPECIAL.find(({ range }) => cidrContains(range, address))?.kind;
}
