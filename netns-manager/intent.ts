import { DEFAULT_LOG_LIMITS, type LogLimits } from '../shared/log/log-limits.ts';
import type {
  AppInterfaceConfig,
  NetworkInstanceConfig,
  UplinkStatus,
  VpnCredentials,
} from '../shared/proto/messages.ts';
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
  /** Of tunnels, by name. Their digests are in the config: what depends on the config depends on them. */
  credentials: ReadonlyMap<string, VpnCredentials>;
}

/** How much may be logged. */
export function logLimitsOf({ config: { logs } }: Pick<Intent, 'config'>): LogLimits {
  if (!logs || logs.sizeKib === 0 || logs.linesPerSecond === 0) return DEFAULT_LOG_LIMITS;
  return { maxBytes: logs.sizeKib * 1024, linesPerSecond: logs.linesPerSecond };
}

/** What the firewall needs to know of it. */
export function rulesetInput({ config, apps }: Pick<Intent, 'config' | 'apps'>): RulesetInput {
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
