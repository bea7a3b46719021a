import { containsPrefix, type Prefix, prefixesOverlap } from './prefix.ts';

/** Ports low..high, inclusive. */
export interface PortRange {
  low: number;
  high: number;
}

/**
 * A region of the space of first packets of one family, as seen in one sense (outbound or inbound). A field that is null is not
 * restricted. `ports` are only restricted together with `protocol`.
 */
export interface Box {
  /** The other side's address. */
  remote: Prefix | null;
  /** Sets of which each must contain the other side's address. What is in them is not known here. */
  sets: readonly string[];
  protocol: number | null;
  source: PortRange | null;
  destination: PortRange | null;
  /** The mark that names a port map: only packets that came through it. */
  portmap: number | null;
}

/** Whether every packet in `inner` is in `outer` for sure. */
export function containsBox(outer: Box, inner: Box): boolean {
  return (
    (outer.remote === null || (inner.remote !== null && containsPrefix(outer.remote, inner.remote))) &&
    outer.sets.every(name => inner.sets.includes(name)) &&
    (outer.protocol === null || outer.protocol === inner.protocol) &&
    containsPorts(outer.source, inner.source) &&
    containsPorts(outer.destination, inner.destination) &&
    (outer.portmap === null || outer.portmap === inner.portmap)
  );
}

/** Whether a packet may be in both. False only when they are disjoint for sure. */
export function boxesOverlap(a: Box, b: Box): boolean {
  return (
    (a.protocol === null || b.protocol === null || a.protocol === b.protocol) &&
    portsOverlap(a.destination, b.destination) &&
    portsOverlap(a.source, b.source) &&
    (a.portmap === null || b.portmap === null || a.portmap === b.portmap) &&
    (a.remote === null || b.remote === null || prefixesOverlap(a.remote, b.remote))
  );
}

function containsPorts(outer: PortRange | null, inner: PortRange | null): boolean {
  return outer === null || (inner !== null && outer.low <= inner.low && inner.high <= outer.high);
}

function portsOverlap(a: PortRange | null, b: PortRange | null): boolean {
  return a === null || b === null || (a.low <= b.high && b.low <= a.high);
}
