/** `dev vif lladdr MAC NOARP`: a neighbour, or with no address in front an entry of a bridge. */
const NEIGHBOUR = / dev \S+.* (INCOMPLETE|REACHABLE|STALE|DELAY|PROBE|FAILED|NOARP|PERMANENT)\s*$/;
/** Entries that somebody made; learnt ones come and go with traffic. */
const MADE_BRIDGE_ENTRY = /^(Deleted )?dev \S+ lladdr \S+ .*(NOARP|PERMANENT)\s*$/;
/** dnsmasq and the manager's own keeper of host sets change these all the time. */
const HOST_SET_ELEMENT = /^(add|delete) element \S+ \S+ host[46]_/;

/** Whether a line of `ip monitor link address route rule neigh netconf` is about something that the manager keeps. */
export function isIpChange(line: string): boolean {
  return !NEIGHBOUR.test(` ${line}`) || MADE_BRIDGE_ENTRY.test(line);
}

/** The same of a line of `nft monitor`. */
export function isNftChange(line: string): boolean {
  return !HOST_SET_ELEMENT.test(line) && !line.startsWith('#');
}
