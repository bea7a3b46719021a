import { canonicalAddress, parseAddress } from '../../shared/net/address.ts';
import type { AppInterfaceConfig } from '../../shared/proto/messages.ts';
import { dnsName } from './names.ts';
import type { DnsmasqInput } from './render.ts';

/** Names that the NI answers itself: `router`, its apps, its static entries. The first owner of a name keeps it. */
export function renderHosts(input: DnsmasqInput, rejected: string[]): { hosts: string[]; localNames: string[] } {
  const { config } = input;
  const gateways = [config.ipv4?.gateway, config.ipv6?.gateway].filter(address => address !== undefined);
  const entries = [
    { owner: 'the router', name: 'router', addresses: gateways },
    ...config.dnsHosts.map(host => ({ owner: `static DNS entry ${JSON.stringify(host.name)}`, ...host })),
    ...input.apps.map(app => ({ owner: `app ${app.appUuid}`, name: app.appName, addresses: addressesOf(app) })),
  ];
  const owners = new Map<string, string>();
  const hosts = new Set<string>();
  for (const { owner, name, addresses } of entries) {
    const host = dnsName(name);
    if (!host || parseAddress(host)) rejected.push(`${owner}: ${JSON.stringify(name)} is no DNS name`);
    else if ((owners.get(host) ?? owner) !== owner) rejected.push(`${owner}: ${host} belongs to ${owners.get(host)}`);
    else {
      owners.set(host, owner);
      for (const text of addresses) {
        const address = canonicalAddress(text);
        if (address) hosts.add(`${address} ${host}`);
        else rejected.push(`${owner}: ${JSON.stringify(text)} is no address`);
      }
    }
  }
  // Not for dotted names: that would hide everything below them.
  return { hosts: [...hosts], localNames: [...owners.keys()].filter(name => !name.includes('.')) };
}

/** Upstream servers: those of the selected uplinks, of the families that the transit link carries. */
export function renderServers(input: DnsmasqInput, localNames: readonly string[], rejected: string[]): string[] {
  // An empty server: "no such type" is answered here instead of asking upstream for a name that only exists here.
  const lines = localNames.map(name => `server=/${name}/`);
  const { transit } = input.config;
  if (!transit) return lines;
  const selected = input.uplinks.filter(uplink => uplink.selected);
  for (const server of new Set(selected.flatMap(uplink => uplink.dnsServers))) {
    const address = parseAddress(server);
    if (!address) rejected.push(`DNS server ${JSON.stringify(server)} is no address`);
    else if (address.family === 4 ? transit.address !== '' : transit.address6 !== '') lines.push(`server=${server}`);
  }
  return lines;
}

/** The addresses that an app has by config. */
export function addressesOf(app: AppInterfaceConfig): string[] {
  return [canonicalAddress(app.ipv4), canonicalAddress(app.ipv6)].filter(address => address !== null);
}
