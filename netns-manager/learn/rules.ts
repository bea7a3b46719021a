import type { NamedSet } from '../acl/table.ts';
import type { Vif } from '../acl/vif.ts';

/**
 * How the kernel notes the addresses of apps on a switch while their packets pass, without a copy of any: sets whose elements are
 * added by ARP, IPv6 neighbour discovery and DHCP, and nothing else. Who reads them is read.ts.
 */
export const LEARNT_SETS = { arp: 'arp4', dhcp: 'lease4', nd: 'nd6' } as const;

/** As EVE: an address that was not claimed for so long may be somebody else's. Seconds. */
export const ARP_SECONDS = 600;
/** Hosts speak of an IPv6 address when they take it, and then whenever a neighbour or router asks. Seconds. */
export const ND_SECONDS = 3_600;
/** Longest that a lease is remembered: longer than the time after which clients of common servers (a week) renew it. Seconds. */
export const LEASE_SECONDS = 8 * 86_400;
/** An app that claims addresses as fast as it can fills this many places in ARP_SECONDS, and leaves the rest to others. */
const SET_SIZE = 4096;
const AT_MOST = 'limit rate 1/second burst 32 packets';

// Offsets in bits. Of ARP and ND the part that names the address; of DHCP from the UDP header on, as RFC 2131 lays it out.
const ND_SOURCE = '@nh,64,128';
const ND_TARGET = '@th,64,128';
const [OP_TO_HOPS, YIADDR, CHADDR] = ['@th,64,32', '@th,192,32', '@th,288,48'];
const COOKIE_MATCHES = '@th,1952,32 0x63825363';
/** The first option says it is an acknowledgement: so do all servers in use. */
const IS_ACK = '@th,1984,24 0x350105';
/**
 * The third option is the lease time, as behind a server identifier: dnsmasq, ISC, Kea. Counted from behind the UDP header: Debian's
 * kernel looks no further than 255 bytes.
 */
const HAS_TIME = '@ih,1992,16 0x3304';
const LEASE_TIME = '@ih,2008,32';

/** op, htype, hlen and hops of an answer on Ethernet. It stands in the place of a lease time that was not where it is looked for. */
export const NO_LEASE_TIME = 0x02010600;

/** The sets. Keys of raw parts of a packet are declared by such parts. */
export function learntSets(): NamedSet[] {
  const set = (name: string, key: string, timeout: number): NamedSet => ({
    name,
    definition: [key, `size ${SET_SIZE}`, 'flags dynamic,timeout', `timeout ${timeout}s`],
    elements: [],
    dynamic: true,
  });
  return [
    set(LEARNT_SETS.arp, 'type ether_addr . ipv4_addr', ARP_SECONDS),
    set(LEARNT_SETS.dhcp, `typeof ${CHADDR} . ${YIADDR} . ${OP_TO_HOPS}`, LEASE_SECONDS),
    set(LEARNT_SETS.nd, `typeof ether saddr . ${ND_TARGET}`, ND_SECONDS),
  ];
}

/** For ARP from the app. */
export function learnArp(): string[] {
  return [`arp saddr ip != 0.0.0.0 ${AT_MOST} update @${LEARNT_SETS.arp} { ether saddr . arp saddr ip }`];
}

/** For neighbour solicitations and advertisements from the app: what it takes, asks from, or says is its own. */
export function learnNd(): string[] {
  const update = (part: string) => `${AT_MOST} update @${LEARNT_SETS.nd} { ether saddr . ${part} }`;
  return [
    `icmpv6 type nd-neighbor-solicit ip6 saddr :: ${update(ND_TARGET)}`,
    `icmpv6 type nd-neighbor-solicit ip6 saddr != :: ${update(ND_SOURCE)}`,
    `icmpv6 type nd-neighbor-advert ${update(ND_TARGET)}`,
  ];
}

/** For DHCP answers that reach the app: only those that give it an address. */
export function learnLease({ mac }: Vif): string[] {
  const given = `${COOKIE_MATCHES} ${IS_ACK} ${CHADDR} 0x${mac.replaceAll(':', '')} ${YIADDR} != 0`;
  const update = (time: string) => `update @${LEARNT_SETS.dhcp} { ${CHADDR} . ${YIADDR} . ${time} }`;
  return [
    `${given} ${HAS_TIME} ${update(LEASE_TIME)} accept`,
    `${given} ${OP_TO_HOPS} 0x0${NO_LEASE_TIME.toString(16)} ${update(OP_TO_HOPS)}`,
  ];
}
