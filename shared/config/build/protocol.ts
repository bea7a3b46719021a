/** Names that are kept as such, with their numbers. */
const NAMED: Record<string, number> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132 };

/** Other names that people and /etc/protocols use. */
const ALIASES: Record<string, number> = {
  'ipv6-icmp': 58,
  igmp: 2,
  ipip: 4,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  ospf: 89,
  vrrp: 112,
  udplite: 136,
};

/** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, another protocol's number, `any`, or undefined for what is no protocol. */
export function canonicalProtocol(text: string): string | undefined {
  const name = text.toLowerCase();
  // iptables, to which EVE hands it, takes 0 for all.
  if (name === 'all' || name === 'any' || name === '0') return 'any';
  if (Object.hasOwn(NAMED, name)) return name;
  const number = /^[1-9]\d{0,2}$/.test(name) ? Number(name) : Object.hasOwn(ALIASES, name) ? ALIASES[name]! : 256;
  if (number > 255) return undefined;
  return Object.keys(NAMED).find(known => NAMED[known] === number) ?? String(number);
}

/** Whether packets of a protocol have ports that ACEs can match. */
export function hasPorts(protocol: string | undefined): boolean {
  return protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp';
}

/** `80` or `80-90`, also from the form `80:90`; undefined for what is no port or range. */
export function parsePorts(text: string): string | undefined {
  const found = /^(\d{1,5})(?:\s*[-:]\s*(\d{1,5}))?$/.exec(text.trim());
  if (!found) return undefined;
  const first = Number(found[1]);
  const last = Number(found[2] ?? found[1]);
  if (first < 1 || last > 65535 || first > last) return undefined;
  return first === last ? String(first) : `${first}-${last}`;
}
