import type { AppInterfaceConfig, NetworkInstanceConfig, UplinkStatus } from '../shared/proto/messages.ts';
import { domainCovers } from './acl/host-set.ts';
import type { RulesetInput } from './acl/ruleset.ts';
import { hostDomains } from './dhcp/host-domains.ts';
import { addressesOf } from './dhcp/own-names.ts';

/** Interface names in the NI's namespace. */
export const BRIDGE = 'br';
export const UPLINK = 'uplink';

/** What the supervisor wants of this NI. */
export interface Intent {
  config: NetworkInstanceConfig;
  apps: readonly AppInterfaceConfig[];
  uplinks: readonly UplinkStatus[];
}

/** What the firewall needs to know of it. */
export function rulesetInput({ config, apps }: Intent): RulesetInput {
  return { ni: config, vifs: apps, hostAddresses: hostAddresses(config, apps), bridge: BRIDGE, uplinkDevice: UPLINK };
}

/** Addresses of host ACEs' domains that are known without DNS: static entries and the NI's own apps. */
function hostAddresses(config: NetworkInstanceConfig, apps: readonly AppInterfaceConfig[]): Map<string, string[]> {
  const names = [
    ...config.dnsHosts.map(({ name, addresses }) => ({ name, addresses })),
    ...apps.map(app => ({ name: app.appName, addresses: addressesOf(app) })),
  ];
  const found = new Map<string, string[]>();
  for (const domain of hostDomains(apps)) {
    const addresses = names.filter(({ name }) => domainCovers(domain, name)).flatMap(entry => entry.addresses);
    if (addresses.length > 0) found.set(domain, [...new Set(addresses)]);
  }
  return found;
}
