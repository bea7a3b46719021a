import {
  type Cidr,
  cidrContains,
  formatAddress,
  formatCidr,
  lastAddress,
  parseCidr,
  parseHostAddress,
} from '../../../net/address.ts';
import type { Reporter, Told } from '../../issue.ts';
import type { NetworkInstance } from '../../model.ts';
import type { TunnelDraft } from '../../vpn/draft.ts';
import { specialKind } from '../../vpn/special.ts';
import type { VpnContext } from './vpn.ts';

/** IKE counts the traffic selectors of one side in a byte. */
const MAX_SUBNETS = 255;
const EXAMPLE = 'write it as network/length, for example 192.168.0.0/24';

/** This side's networks; by default the network instance's own, of the families that the other side has. */
export function readLocalSubnets(draft: TunnelDraft, { ni, report }: VpnContext): string[] {
  const own = ownSubnets(ni);
  const behind = ni.staticRoutes.flatMap(({ destination }) => parseCidr(destination) ?? []);
  const local = few(draft.localSubnets, report).flatMap(told => {
    const subnet = readSubnet(told, report);
    if (subnet && ![...own, ...behind].some(one => contains(one, subnet))) {
      const reason = `reaches beyond the network instance's subnet (${own.map(formatCidr).join(', ') || 'none'})`;
      report.warn(told, reason, 'leave it out to get that subnet, or add a route to what is behind an app');
    }
    return subnet ?? [];
  });
  if (local.length > 0) return [...new Set(local.map(formatCidr))];
  const families = new Set(draft.remoteSubnets.map(told => parseCidr(told.value)?.family));
  return own.filter(({ family }) => families.has(family)).map(formatCidr);
}

/** What is behind the other side. It may be wider than the network instance's own subnet, but not a part of it. */
export function readRemoteSubnets(draft: TunnelDraft, { ni, transitPool, report }: VpnContext): string[] {
  if (draft.remoteSubnets.length === 0) {
    const told = { path: draft.remoteSubnetsPath, value: undefined };
    report.refuse(told, 'it is not said which networks are behind the other side', EXAMPLE);
  }
  const own = ownSubnets(ni);
  const local = draft.localSubnets.length > 0 ? draft.localSubnets.flatMap(told => parseCidr(told.value) ?? []) : own;
  const remote = few(draft.remoteSubnets, report).flatMap(told => {
    const subnet = readSubnet(told, report);
    if (!subnet) return [];
    const inside = own.find(one => contains(one, subnet));
    const kind = subnet.prefixLength === 0 ? undefined : specialKind(subnet);
    if (kind && kind !== 'a link-local address') {
      report.refuse(told, `begins with ${kind}`, 'use the network behind the other side');
    } else if (inside) {
      const reason = `the other side has the same subnet as this network instance (${formatCidr(inside)})`;
      report.refuse(told, reason, 'use another subnet on one side, or another network on the other');
    } else if (contains(parseCidr(transitPool)!, subnet)) {
      report.refuse(told, `lies in the transit pool ${transitPool}`, 'use another transitPool');
    } else if (own.length > 0 && !local.some(({ family }) => family === subnet.family)) {
      const reason = `is an IPv${subnet.family} network, but there is none on this side`;
      report.refuse(told, reason, `use IPv${subnet.family === 4 ? 6 : 4}, or add an IPv${subnet.family} subnet here`);
    }
    return [formatCidr(subnet)];
  });
  return [...new Set(remote)];
}

/** Refuses networks that two tunnels of one network instance lead to. The first one in the document keeps them. */
export function refuseOverlaps(pairs: readonly { draft: TunnelDraft }[], report: Reporter): void {
  const all = pairs.flatMap(({ draft }, tunnel) =>
    draft.remoteSubnets.slice(0, MAX_SUBNETS).flatMap(told => {
      const cidr = parseCidr(told.value);
      return cidr ? [{ tunnel, name: draft.name.value, told, cidr }] : [];
    }),
  );
  // Networks overlap only by one lying in the other, so those that began before and have not ended hold the next one.
  const order = (a: Cidr, b: Cidr) =>
    a.family - b.family || (a.value < b.value ? -1 : a.value > b.value ? 1 : a.prefixLength - b.prefixLength);
  const open: typeof all = [];
  for (const entry of [...all].sort((a, b) => order(a.cidr, b.cidr) || a.tunnel - b.tunnel)) {
    while (open.length > 0 && !cidrContains(open.at(-1)!.cidr, entry.cidr)) open.pop();
    const other = open.find(({ tunnel }) => tunnel !== entry.tunnel);
    if (other) {
      const [first, second] = other.tunnel < entry.tunnel ? [other, entry] : [entry, other];
      const reason = `tunnel ${first.name} already leads to ${formatCidr(first.cidr)}`;
      report.refuse(second.told, reason, 'let each network be behind one tunnel only');
    }
    if (!open.some(({ tunnel }) => tunnel === entry.tunnel)) open.push(entry);
  }
}

function few(list: Told<string>[], report: Reporter): Told<string>[] {
  if (list.length <= MAX_SUBNETS) return list;
  const reason = `there are more than ${MAX_SUBNETS} networks`;
  report.refuse(list[MAX_SUBNETS]!, reason, 'write wider ones that hold several of them');
  return list.slice(0, MAX_SUBNETS);
}

function readSubnet(told: Told<string>, report: Reporter): Cidr | undefined {
  const read = parseHostAddress(told.value);
  if (!read) return void report.refuse(told, 'is not a network', EXAMPLE);
  const { address, network } = read;
  if (formatAddress(address) !== formatAddress(network)) {
    report.warn(told, `host bits are set; ${formatCidr(network)} is used`, `write ${formatCidr(network)}`);
  }
  return network;
}

function ownSubnets(ni: NetworkInstance): Cidr[] {
  return [ni.ipv4, ni.ipv6].flatMap(network => (network ? (parseCidr(network.subnet) ?? []) : []));
}

/** Whether all of a network lies in another one. */
function contains(outer: Cidr, inner: Cidr): boolean {
  return cidrContains(outer, inner) && cidrContains(outer, lastAddress(inner));
}
