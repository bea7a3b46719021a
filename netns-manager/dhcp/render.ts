import { join } from 'node:path';
import { formatAddress, networkOf, parseAddress, parseCidr } from '../../shared/net/address.ts';
import type { AppInterfaceConfig, NetworkInstanceConfig, UplinkStatus } from '../../shared/proto/messages.ts';
import { hostDomains, needsQueryLog, renderHostSets } from './host-domains.ts';
import { dnsName, macAddress } from './names.ts';
import { offeredOptions, offersDefaultRoute } from './options.ts';
import { addressesOf, renderHosts, renderServers } from './own-names.ts';

/** Files that dnsmasq reads again on SIGHUP, removals included. Everything else stands in the config file. */
export const FILES = {
  dhcpHosts: 'dhcp-hosts',
  dhcpOptions: 'dhcp-options',
  hosts: 'hosts',
  servers: 'servers',
} as const;
export const LEASE_FILE = 'leases';
export const PID_FILE = 'dnsmasq.pid';

/** Lease time; clients renew at half of it. */
const LEASE_MINUTES = 60;
/** Seconds for which an answer may be kept by dnsmasq and by apps. Host sets rely on it: dns/host-set-keeper.ts. */
export const MAX_TTL_SECONDS = 300;
/** dnsmasq serves DHCPv6 and router advertisements for prefixes of this length or longer only. */
const SHORTEST_IPV6_PREFIX = 64;
/** The smallest MTU that IPv6 allows; a smaller one must not be advertised. */
const MIN_IPV6_MTU = 1280;

/** What the supervisor calls VIFs; they serve as tags here. */
const VIF = /^[\w.-]+$/;

export interface DnsmasqInput {
  config: NetworkInstanceConfig;
  apps: readonly AppInterfaceConfig[];
  uplinks: readonly UplinkStatus[];
  /** The bridge's interface name. */
  bridge: string;
  /** Directory of this dnsmasq alone: config, hosts, leases, pid file. */
  directory: string;
  logFile: string;
  /** The nft table (family inet) that holds the host sets. */
  table: string;
  /** Names of the sets of a host ACE's domain. */
  hostSets: (domain: string) => { v4: string; v6: string };
}

export interface RenderedDnsmasq {
  /** dnsmasq.conf: a change of it needs a restart. */
  conf: string;
  /** File name to content: changes of these need a SIGHUP only. */
  files: Map<string, string>;
  /** What could not be used, in words, for the log. */
  rejected: string[];
}

/** Renders everything that an NI's dnsmasq reads. Throws when a path can't be written into a config file. */
export function renderDnsmasq(input: DnsmasqInput): RenderedDnsmasq {
  checkWords(input);
  const rejected: string[] = [];
  const { hosts, localNames } = renderHosts(input, rejected);
  const files = new Map([
    [FILES.dhcpHosts, text(renderDhcpHosts(input, rejected))],
    [FILES.dhcpOptions, text(renderOptions(input, rejected))],
    [FILES.hosts, text(hosts)],
    [FILES.servers, text(renderServers(input, localNames, rejected))],
  ]);
  return { conf: text(renderConf(input, rejected)), files, rejected };
}

function renderConf(input: DnsmasqInput, rejected: string[]): string[] {
  const { config, bridge, directory } = input;
  const file = (name: string) => join(directory, name);
  const lines = [
    'user=root', // root of the NI's user namespace, nobody outside
    'group=root',
    `interface=${bridge}`,
    'except-interface=lo',
    'bind-dynamic', // follows the bridge: one that comes later, goes, or gets another address
    `pid-file=${file(PID_FILE)}`,
    `log-facility=${input.logFile}`,
    'log-async=100',
    'no-resolv',
    'no-hosts',
    'no-poll',
    `servers-file=${file(FILES.servers)}`,
    `addn-hosts=${file(FILES.hosts)}`,
    'bogus-priv',
    'cache-size=1000',
    'neg-ttl=10',
    `max-ttl=${MAX_TTL_SECONDS}`,
    `max-cache-ttl=${MAX_TTL_SECONDS}`,
    'dhcp-ttl=600',
    `dhcp-leasefile=${file(LEASE_FILE)}`,
    `dhcp-hostsfile=${file(FILES.dhcpHosts)}`,
    `dhcp-optsfile=${file(FILES.dhcpOptions)}`,
    'dhcp-authoritative', // nobody else serves this segment: wrong addresses are refused at once instead of timing out
    'dhcp-ignore-names', // an app can't give itself another one's name
    'no-ping',
    'quiet-ra',
  ];
  if (needsQueryLog(config, input.apps)) lines.push('log-queries=extra');
  const subnet4 = parseCidr(config.ipv4?.subnet ?? '');
  if (config.ipv4 && subnet4?.family === 4) {
    // `static`: only those with a host entry are served, at whatever address of the subnet the entry says.
    lines.push(`dhcp-range=${formatAddress(subnet4)},static,${netmask(subnet4.prefixLength)},${LEASE_MINUTES}m`);
  }
  const subnet6 = parseCidr(config.ipv6?.subnet ?? '');
  const gateway6 = parseAddress(config.ipv6?.gateway ?? '');
  if (subnet6 && gateway6?.family === 6) {
    const served = networkOf(gateway6, Math.max(subnet6.prefixLength, SHORTEST_IPV6_PREFIX));
    lines.push(`dhcp-range=${formatAddress(served)},static,${served.prefixLength},${LEASE_MINUTES}m`, 'enable-ra');
    const mtu = config.mtu >= MIN_IPV6_MTU ? `mtu:${config.mtu},` : '';
    lines.push(`ra-param=${bridge},${mtu}600,${offersDefaultRoute(config) ? 1800 : 0}`);
  }
  const tags = appsWithOwnOptions(input).map(app => `dhcp-mac=set:${app.vif},${macAddress(app.mac)}`);
  return [...lines, ...tags, ...renderHostSets(input, rejected)];
}

function renderDhcpHosts(input: DnsmasqInput, rejected: string[]): string[] {
  const taken = new Set<string>();
  const lines: string[] = [];
  for (const app of input.apps) {
    const mac = macAddress(app.mac);
    const addresses = addressesOf(app);
    if (addresses.length === 0) continue;
    const clash = [mac ?? '', ...addresses].find(key => taken.has(key));
    if (!mac || !VIF.test(app.vif)) {
      rejected.push(`DHCP for VIF ${JSON.stringify(app.vif)}: MAC address ${JSON.stringify(app.mac)} is none`);
    } else if (clash) rejected.push(`DHCP for VIF ${app.vif}: ${clash} belongs to another VIF`);
    else {
      for (const key of [mac, ...addresses]) taken.add(key);
      const inBrackets = addresses.map(address => (address.includes(':') ? `[${address}]` : address));
      const hostname = dnsName(app.appUuid);
      // id:* because a guest's boot loader and its system send different client ids from one MAC. No `set:` in here: after
      // having served such an entry, dnsmasq 2.90 crashes when it reads the file again.
      lines.push([mac, 'id:*', ...inBrackets, ...(hostname ? [hostname] : [])].join(','));
    }
  }
  return lines;
}

function renderOptions(input: DnsmasqInput, rejected: string[]): string[] {
  const offered = offeredOptions(input.config, input.uplinks);
  rejected.push(...offered.rejected);
  return [...offered.lines, ...appsWithOwnOptions(input).flatMap(app => offered.linesFor(app.vif, app.ipv4))];
}

/** Apps that need a tag, which is set in the config file: see renderDhcpHosts. */
function appsWithOwnOptions(input: DnsmasqInput): AppInterfaceConfig[] {
  const offered = offeredOptions(input.config, input.uplinks);
  return input.apps.filter(
    app =>
      VIF.test(app.vif) &&
      parseAddress(app.ipv4) &&
      macAddress(app.mac) &&
      offered.linesFor(app.vif, app.ipv4).length > 0,
  );
}

/** What comes from nibox's own code and stands in the config as it is; anything odd in it is a mistake, not input. */
function checkWords(input: DnsmasqInput): void {
  const sets = hostDomains(input.apps).flatMap(domain => Object.values(input.hostSets(domain)));
  for (const word of [input.bridge, input.table, ...sets, input.directory, input.logFile]) {
    if (!/^[\w./@+-]+$/.test(word))
      throw new Error(`${JSON.stringify(word)} can't be written into a dnsmasq config file`);
  }
}

function netmask(prefixLength: number): string {
  return [0, 8, 16, 24].map(from => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefixLength - from)))).join('.');
}

function text(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('');
}
