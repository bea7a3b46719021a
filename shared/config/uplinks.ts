import type { UplinkConfig } from './model.ts';
import { isInterfaceName } from './names.ts';

/** Labels with a meaning of their own; no uplink may have one of them as its logical label. */
export const RESERVED_LABELS: readonly string[] = ['all', 'uplink', 'freeuplink'];

/** The uplinks that a port label stands for: the one with that logical label, else those that share the label. */
export function uplinksOf(label: string, uplinks: readonly UplinkConfig[]): UplinkConfig[] {
  if (label === '') return [];
  const named = uplinks.find(uplink => uplink.label === label);
  if (named) return [named];
  return uplinks.filter(uplink => label === 'all' || uplink.sharedLabels.includes(label));
}

/** All labels by which uplinks can be named, for hints. */
export function labelsOf(uplinks: readonly UplinkConfig[]): string[] {
  if (uplinks.length === 0) return [];
  return [
    ...new Set([...uplinks.map(uplink => uplink.label), ...uplinks.flatMap(uplink => uplink.sharedLabels), 'all']),
  ];
}

/** Where a document lists no uplinks, its ports are taken as the names of interfaces. */
export function impliedUplinks(ports: Iterable<string>): UplinkConfig[] {
  const interfaces = [...new Set(ports)].filter(port => isInterfaceName(port) && !RESERVED_LABELS.includes(port));
  return interfaces.map(name => ({
    interface: name,
    label: name,
    sharedLabels: sharedLabelsFor(['uplink'], 0),
    cost: 0,
    dnsServers: [],
    ntpServers: [],
  }));
}

/** Own labels, and `freeuplink` for an uplink that costs nothing. `all` is never listed: it fits everything. */
export function sharedLabelsFor(labels: readonly string[], cost: number): string[] {
  const own = labels.filter(label => label !== 'all' && label !== 'freeuplink');
  const isFree = labels.includes('freeuplink') || (labels.includes('uplink') && cost === 0);
  return [...new Set(isFree ? [...own, 'freeuplink'] : own)];
}
