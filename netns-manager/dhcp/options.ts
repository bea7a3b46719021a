import {
  type Cidr,
  cidrContains,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
  parsePrefix,
} from '../../shared/net/address.ts';
import type { NetworkInstanceConfig, UplinkStatus } from '../../shared/proto/messages.ts';
import { dnsName } from './names.ts';

/** Where apps reach the metadata server; see netns-manager/metadata. */
const METADATA_ADDRESS = '169.254.169.254';
const DEFAULT_ROUTE: Cidr = { family: 4, value: 0n, prefixLength: 0 };
/** In option 121 the next hop 0.0.0.0 means on-link. */
const ON_LINK = '0.0.0.0';
/** An option holds 255 bytes; more than this could make a line that dnsmasq cuts (1024 characters). */
const MAX_ROUTE_BYTES = 230;
/** Of one kind, for the same reason; no client uses so many. */
const MAX_SERVERS = 16;

/** What an NI offers to each app: one line per DHCP option, since of two lines for one option dnsmasq sends one. */
export interface OfferedOptions {
  lines: string[];
  /** What could not be offered, in words. */
  rejected: string[];
  /** For the app that is itself the gateway of a propagated route: option 121 without that route. */
  linesFor(tag: string, address: string): string[];
}

/** Whether apps get a default route: not without an uplink, and not when the config says so. */
export function offersDefaultRoute(config: NetworkInstanceConfig): boolean {
  return config.transit !== null && !config.dhcp?.noDefaultRoute;
}

/** Computes DHCP options 3, 6, 15, 26, 42 and 121, and their DHCPv6 counterparts. MTU in IPv6 is the advertisement's. */
export function offeredOptions(config: NetworkInstanceConfig, uplinks: readonly UplinkStatus[]): OfferedOptions {
  const lines: string[] = [];
  const rejected: string[] = [];
  const { v4: dns4, v6: dns6 } = splitFamilies(config.dhcp?.dnsServers ?? []);
  const selected = uplinks.filter(uplink => uplink.selected);
  const ntp = splitFamilies([...(config.dhcp?.ntpServers ?? []), ...selected.flatMap(uplink => uplink.ntpServers)]);
  const domain = dnsName(config.dhcp?.domain ?? '');
  const hasDefault = offersDefaultRoute(config);
  const usesOwnDns = dns4.length + dns6.length === 0 && hasDefault;

  const gateway = ipv4Gateway(config);
  if (gateway) {
    lines.push(option('option:router', hasDefault ? [gateway] : []));
    lines.push(option('option:dns-server', usesOwnDns ? [gateway] : dns4));
    if (domain) lines.push(option('option:domain-name', [domain]));
    if (config.mtu > 0) lines.push(option('option:mtu', [String(config.mtu)]));
    lines.push(option('option:ntp-server', ntp.v4));
    lines.push(classlessRoutes(config, dns4, ntp.v4, null, rejected));
  }
  if (config.ipv6) {
    lines.push(option('option6:dns-server', usesOwnDns ? ['[::]'] : dns6.map(bracket)));
    if (domain) lines.push(option('option6:domain-search', [domain]));
    if (ntp.v6.length > 0) lines.push(option('option6:ntp-server', ntp.v6.map(bracket)));
  }
  const gateways = new Set(config.dhcp?.routes.map(route => route.gateway).filter(gateway => gateway !== ''));
  return {
    lines,
    rejected,
    linesFor: (tag, address) =>
      gateway && gateways.has(address) ? [`tag:${tag},${classlessRoutes(config, dns4, ntp.v4, address, [])}`] : [],
  };
}

/** Option 121: a client that takes it ignores option 3, so subnet and default route stand in it as well. */
function classlessRoutes(
  config: NetworkInstanceConfig,
  dns: readonly string[],
  ntp: readonly string[],
  exceptGateway: string | null,
  rejected: string[],
): string {
  const subnet = parseCidr(config.ipv4?.subnet ?? '');
  const gateway = ipv4Gateway(config) ?? '';
  const propagated = (config.dhcp?.routes ?? []).map(route => ({
    destination: parseCidr(route.destination),
    gateway: route.gateway === '' ? gateway : route.gateway,
  }));
  const routes = new Map<string, string>();
  const add = (destination: Cidr, nextHop: string) => {
    if (!routes.has(formatCidr(destination))) routes.set(formatCidr(destination), nextHop);
  };
  if (subnet) add(subnet, ON_LINK);
  const ownDefault = propagated.find(route => route.destination?.family === 4 && route.destination.prefixLength === 0);
  if (!offersDefaultRoute(config)) {
    // Without a default route these would be out of reach, though the NI answers or forwards for them.
    for (const address of [...dns, ...ntp, METADATA_ADDRESS]) {
      const host = parsePrefix(address);
      if (host && subnet && !cidrContains(subnet, host)) add(host, gateway);
    }
  } else if (!ownDefault) add(DEFAULT_ROUTE, gateway);
  let room = MAX_ROUTE_BYTES - [...routes.keys()].reduce((sum, destination) => sum + routeBytes(destination), 0);
  for (const { destination, gateway: nextHop } of propagated) {
    if (destination?.family !== 4 || parseAddress(nextHop)?.family !== 4 || nextHop === exceptGateway) continue;
    room -= routeBytes(formatCidr(destination));
    if (room >= 0) add(destination, nextHop);
    else rejected.push(`route to ${formatCidr(destination)}: option 121 is full`);
  }
  return option('option:classless-static-route', [...routes].flat());
}

/** What a route takes in option 121: prefix length, the network's significant bytes, next hop. */
function routeBytes(destination: string): number {
  return 1 + Math.ceil(Number(destination.split('/')[1]) / 8) + 4;
}

function ipv4Gateway(config: NetworkInstanceConfig): string | null {
  const address = parseAddress(config.ipv4?.gateway ?? '');
  return address?.family === 4 ? formatAddress(address) : null;
}

/** An option without values is one that dnsmasq leaves out instead of inventing its own. */
function option(name: string, values: readonly string[]): string {
  return [name, ...values].join(',');
}

function bracket(address: string): string {
  return `[${address}]`;
}

/** Addresses by family, without duplicates and without what is no address (a host name can't stand in these options). */
function splitFamilies(addresses: readonly string[]): { v4: string[]; v6: string[] } {
  const unique = [...new Set(addresses)];
  const ofFamily = (family: 4 | 6) =>
    unique.filter(address => parseAddress(address)?.family === family).slice(0, MAX_SERVERS);
  return { v4: ofFamily(4), v6: ofFamily(6) };
}
