import { type Ace, AceAction, AceDirection } from '../../shared/proto/messages.ts';
import type { Box, PortRange } from './box.ts';
import { hostSetName } from './host-set.ts';
import { userMark } from './mark.ts';
import { containsPrefix, type Family, type Prefix, parsePrefix } from './prefix.ts';

/**
 * How an ACL is read. outbound: flows that the app opens. inbound: flows that reach it from another app. mapped: flows that
 * reach it from the uplink through one of its port maps. received: single packets that reach it, on a switch, where no connection
 * says which packets are answers; outbound is then what it sends.
 */
export type Sense = 'outbound' | 'inbound' | 'mapped' | 'received';

/** The protocols whose header begins with two ports. */
export const PORT_PROTOCOLS = [6, 17, 33, 132, 136] as const;

const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
};

/** The set of addresses of the NI's apps and static DNS entries. */
export function eidSetName(family: Family): string {
  return `eids${family}`;
}

/** What an ACE matches when the ACL is read in this sense; nothing: it does not speak of such flows. */
export function aceBoxes(vif: number, ace: Ace, family: Family, sense: Sense): Box[] {
  if (ace.direction === (sense === 'outbound' ? AceDirection.INGRESS : AceDirection.EGRESS)) return [];
  const portmap = ace.action === AceAction.PORTMAP;
  if (portmap && sense !== 'mapped') return [];

  const remote = remotePrefix(ace, family);
  if (remote === 'nothing') return [];
  const sets: string[] = [];
  if (ace.eidset) sets.push(eidSetName(family));
  const domain = aceDomain(ace);
  if (domain !== null) sets.push(hostSetName(domain, family));

  const lport = portmap ? `${ace.appPort}` : ace.lport;
  const [source, destination] =
    sense === 'outbound' ? [ace.lport, ace.fport] : [sense === 'received' ? ace.fport : '', lport];
  const sourcePorts = parsePorts(source);
  const destinationPorts = parsePorts(destination);
  if (sourcePorts === 'nothing' || destinationPorts === 'nothing') return [];
  return protocols(ace, source !== '' || destination !== '').map(protocol => ({
    remote,
    sets,
    protocol,
    source: sourcePorts,
    destination: destinationPorts,
    portmap: portmap ? userMark(vif, ace.id, false) : null,
  }));
}

/** The domain of a host ACE; null: it has none, or names an address, which is read as `ip`. */
export function aceDomain(ace: Ace): string | null {
  return ace.host === '' || parsePrefix(ace.host) !== null ? null : ace.host;
}

/** The number of a protocol's name or decimal text; null when it is neither. */
export function protocolNumber(text: string): number | null {
  const known = PROTOCOL_NUMBERS[text.toLowerCase()];
  if (known !== undefined) return known;
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : null;
}

/** Parses "80" or "80-90". null: any port; 'nothing': no port can match. */
export function parsePorts(text: string): PortRange | null | 'nothing' {
  if (text === '') return null;
  const match = /^(\d{1,5})(?:\s*[-:]\s*(\d{1,5}))?$/.exec(text.trim());
  if (!match) return 'nothing';
  const low = Number(match[1]);
  const high = Number(match[2] ?? match[1]);
  if (low > high || high > 65_535) return 'nothing';
  return low === 0 && high === 65_535 ? null : { low, high };
}

function protocols(ace: Ace, hasPorts: boolean): (number | null)[] {
  if (ace.protocol === '') return hasPorts ? [...PORT_PROTOCOLS] : [null];
  const number = protocolNumber(ace.protocol);
  if (number === null) return [];
  return hasPorts && !PORT_PROTOCOLS.some(known => known === number) ? [] : [number];
}

function remotePrefix(ace: Ace, family: Family): Prefix | null | 'nothing' {
  let narrowest: Prefix | null = null;
  for (const text of [ace.ip, aceDomain(ace) === null ? ace.host : '']) {
    if (text === '') continue;
    const prefix = parsePrefix(text);
    if (prefix?.family !== family) return 'nothing';
    if (narrowest === null || containsPrefix(narrowest, prefix)) narrowest = prefix;
    else if (!containsPrefix(prefix, narrowest)) return 'nothing';
  }
  return narrowest?.length === 0 ? null : narrowest;
}
