import { parsePrefix } from '../../shared/net/address.ts';
import type { AppInterfaceConfig, NetworkInstanceConfig } from '../../shared/proto/messages.ts';
import { dnsName, isWithinDomain } from './names.ts';
import type { DnsmasqInput } from './render.ts';

/** dnsmasq cuts longer lines of its config. */
const MAX_LINE = 1_000;

/** The domains of host ACEs, normalised; each once. An address as `host` is an `ip` match and none of DNS's business. */
export function hostDomains(apps: readonly AppInterfaceConfig[]): string[] {
  const domains = apps
    .flatMap(app => app.acl)
    .filter(ace => ace.host !== '' && parsePrefix(ace.host) === null)
    .map(ace => dnsName(ace.host));
  return [...new Set(domains.filter(domain => domain !== null))].sort();
}

/** Whether the query log is needed: to expire host sets, and for the flow log's DNS requests. */
export function needsQueryLog(config: NetworkInstanceConfig, apps: readonly AppInterfaceConfig[]): boolean {
  return config.flowLog || hostDomains(apps).length > 0;
}

/** dnsmasq fills the sets of the longest matching domain only, so each line names the sets of the domains above as well. */
export function renderHostSets(input: DnsmasqInput, rejected: string[]): string[] {
  const domains = hostDomains(input.apps);
  for (const ace of input.apps.flatMap(app => app.acl)) {
    if (ace.host !== '' && !parsePrefix(ace.host) && !dnsName(ace.host)) {
      rejected.push(`host ACE ${ace.id}: ${JSON.stringify(ace.host)} is no domain name`);
    }
  }
  return domains.map(domain => {
    const sets = domains
      .filter(other => isWithinDomain(domain, other))
      .flatMap(other => {
        const { v4, v6 } = input.hostSets(other);
        return [`4#inet#${input.table}#${v4}`, `6#inet#${input.table}#${v6}`];
      });
    const line = `nftset=/${domain}/${sets.join(',')}`;
    if (line.length <= MAX_LINE) return line;
    rejected.push(`host ACE for ${domain}: too many host ACEs for the domains above it`);
    return line.slice(0, line.lastIndexOf(',', MAX_LINE));
  });
}
