import {
  canonicalAddress,
  canonicalCidr,
  cidrContains,
  cidrsOverlap,
  formatCidr,
  parseAddress,
  parseCidr,
} from '../../net/address.ts';
import type { NetworkDraft, NetworkInstanceDraft } from '../draft.ts';
import { ignoringMissing, type Reporter, reporter, type Told } from '../issue.ts';
import type { Issue, NetworkInstance, UplinkConfig } from '../model.ts';
import { canonicalHostName } from '../names.ts';
import { uplinksOf } from '../uplinks.ts';
import { planNetwork } from './ipam.ts';
import { buildVpn } from './vpn/vpn.ts';

const DEFAULT_MTU = 1500;
/** IPv6 needs it, and EVE allows no less. */
const MIN_MTU = 1280;
const MAX_MTU = 65535;

export interface NetworkInstanceContext {
  uplinks: readonly UplinkConfig[];
  /** All that a port may be. */
  labels: readonly string[];
  /** The label that was meant by a mistyped one. */
  suggestLabel: (label: string) => string | undefined;
  transitPool: string;
  /** The word of a VPN's proposal that was meant by a mistyped one. */
  suggestWord: (word: string) => string | undefined;
  /** Takes the issues of all NIs. */
  issues: Issue[];
}

/** One network instance of the model. What is wrong with it stands in its issues. */
export function buildNetworkInstance(draft: NetworkInstanceDraft, context: NetworkInstanceContext): NetworkInstance {
  const issues = [...draft.issues];
  const every = reporter('ni', context.issues, issues);
  const report = draft.isPartial ? ignoringMissing(every) : every;
  const ni: NetworkInstance = {
    name: draft.name,
    uuid: draft.uuid,
    type: draft.type,
    activate: draft.activate,
    port: readPort(draft, context, report),
    mtu: readMtu(draft.mtu, report),
    dnsServers: readAddresses(draft.dnsServers, 'a DNS server', report),
    domain: readDomain(draft.domain, report),
    ntpServers: readServers(draft.ntpServers, report),
    dnsHosts: readDnsHosts(draft, report),
    propagateConnectedRoutes: draft.propagateConnectedRoutes,
    staticRoutes: readRoutes(draft, report),
    flowLog: draft.flowLog,
    resources: draft.resources,
    issues,
  };
  readNetworks(ni, draft, context.transitPool, report);
  readVpn(ni, draft, context, report);
  return ni;
}

function readPort(draft: NetworkInstanceDraft, context: NetworkInstanceContext, report: Reporter): string {
  const { uplinks, labels } = context;
  const label = draft.port.value ?? '';
  if (label === '') {
    if (draft.type === 'vpn') {
      report.refuse({ ...draft.port, value: undefined }, 'a VPN needs a port', 'name the uplink that it goes through');
    }
    return '';
  }
  if (uplinksOf(label, uplinks).length === 0) {
    const near = context.suggestLabel(label);
    const choice = labels.slice(0, 10).join(', ') + (labels.length > 10 ? ', …' : '');
    const remedy = near ? `did you mean ${near}?` : labels.length > 0 ? `use one of ${choice}` : 'define the uplink';
    report.refuse(draft.port, 'no uplink has this label', remedy);
  }
  return label;
}

function readMtu(told: Told<number | undefined>, report: Reporter): number {
  const mtu = told.value ?? 0;
  if (mtu === 0) return DEFAULT_MTU; // as in EVE
  const remedy = `use ${MIN_MTU} to ${MAX_MTU}, or leave it out to get ${DEFAULT_MTU}`;
  if (!Number.isInteger(mtu)) report.refuse(told, 'the MTU is not a whole number', remedy);
  else if (mtu < MIN_MTU) report.refuse(told, `the MTU is too small (at least ${MIN_MTU})`, remedy);
  else if (mtu > MAX_MTU) report.refuse(told, `the MTU is too large (at most ${MAX_MTU})`, remedy);
  return mtu;
}

function readNetworks(ni: NetworkInstance, draft: NetworkInstanceDraft, transitPool: string, report: Reporter): void {
  if (ni.type === 'switch') {
    refuseAddressesOfSwitch(draft, report);
    return;
  }
  const hasIpv6 = isGiven(draft.ipv6);
  if (!hasIpv6 || isGiven(draft.ipv4)) {
    const network = planNetwork(draft.ipv4, 4, report);
    if (network) ni.ipv4 = network;
    if (network && cidrsOverlap(parseCidr(network.subnet)!, parseCidr(transitPool)!)) {
      const remedy = 'use another subnet, or another transitPool';
      report.refuse(draft.ipv4.subnet, `the subnet overlaps the transit pool ${transitPool}`, remedy);
    }
  }
  if (hasIpv6) {
    const network = planNetwork(draft.ipv6, 6, report);
    if (network) ni.ipv6 = network;
  }
}

function isGiven(network: NetworkDraft): boolean {
  return Object.values(network).some((told: Told<unknown>) => told.value !== undefined);
}

function refuseAddressesOfSwitch(draft: NetworkInstanceDraft, report: Reporter): void {
  for (const told of [...Object.values(draft.ipv4), ...Object.values(draft.ipv6)] as Told<unknown>[]) {
    if (told.value === undefined) continue;
    report.refuse(told, 'a switch has no addresses of its own', 'remove it, or use type local');
  }
}

function readVpn(
  ni: NetworkInstance,
  draft: NetworkInstanceDraft,
  { transitPool, suggestWord }: NetworkInstanceContext,
  report: Reporter,
): void {
  const { vpn } = draft;
  const wasRefused = draft.issues.some(issue => issue.path.startsWith(vpn.path));
  if (ni.type !== 'vpn') {
    if (vpn.value)
      report.refuse({ path: vpn.path, value: 'vpn' }, 'only a VPN takes this', 'remove it, or use type vpn');
  } else if (vpn.value) {
    ni.vpn = buildVpn(vpn.value, vpn.path, { ni, transitPool, report, suggestWord, now: Date.now() });
  } else if (!wasRefused) report.refuse(vpn, 'the settings of the VPN are missing', 'describe its tunnel here');
}

function readAddresses(list: Told<string>[], what: string, report: Reporter): string[] {
  return list.flatMap(told => {
    const address = canonicalAddress(told.value);
    if (!address) report.refuse(told, `${what} is given by its IP address`, 'write an address, for example 10.10.1.1');
    return address ?? [];
  });
}

function readServers(list: Told<string>[], report: Reporter): string[] {
  return list.flatMap(told => {
    const server = canonicalAddress(told.value) ?? canonicalHostName(told.value);
    if (!server) report.refuse(told, 'is neither an IP address nor a host name', 'write one, for example pool.ntp.org');
    return server ?? [];
  });
}

function readDomain(told: Told<string | undefined>, report: Reporter): string {
  if (!told.value) return '';
  const domain = canonicalHostName(told.value);
  if (!domain) report.refuse(told, 'is not a domain name', 'write one, for example lab.example');
  return domain ?? '';
}

function readDnsHosts(draft: NetworkInstanceDraft, report: Reporter): NetworkInstance['dnsHosts'] {
  return draft.dnsHosts.map(host => {
    const name = canonicalHostName(host.name.value);
    if (!name) report.refuse(host.name, 'is not a host name', 'write one, for example printer or printer.lab.example');
    return { name: name ?? '', addresses: readAddresses(host.addresses, 'a DNS entry', report) };
  });
}

function readRoutes(draft: NetworkInstanceDraft, report: Reporter): NetworkInstance['staticRoutes'] {
  return draft.routes.flatMap(route => {
    const { destination, gateway } = route;
    const cidr = destination.value === undefined ? null : parseCidr(destination.value);
    const via = gateway.value === undefined ? null : parseAddress(gateway.value);
    if (destination.value === undefined)
      report.refuse(destination, 'the destination is missing', 'write a network/length');
    else if (!cidr)
      report.refuse(destination, 'is not a network', 'write it as network/length, for example 172.16.0.0/12');
    if (gateway.value === undefined)
      report.refuse(gateway, 'the gateway is missing', 'write the IP address of the next hop');
    else if (!via || via.value === 0n) report.refuse(gateway, 'is not the address of a gateway', 'write an IP address');
    else if (cidr && cidr.family !== via.family) {
      const remedy = `use an IPv${cidr.family} gateway`;
      report.refuse(gateway, `the gateway is IPv${via.family}, the destination ${formatCidr(cidr)} is not`, remedy);
    } else if (cidr && cidrContains(cidr, via) && cidr.prefixLength > 0) {
      report.refuse(gateway, 'the gateway lies behind its own route', 'use a gateway outside the destination');
    } else if (cidr)
      return { destination: canonicalCidr(destination.value!)!, gateway: canonicalAddress(gateway.value)! };
    return [];
  });
}
