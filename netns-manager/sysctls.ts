import { readFileSync, writeFileSync } from 'node:fs';
import { needsBridgeNf } from './acl/bridge-nf.ts';
import { type Intent, rulesetInput } from './intent.ts';

/** Without them bridged frames go past the firewall. */
export const BRIDGE_NF: readonly string[] = [
  'net/bridge/bridge-nf-call-iptables',
  'net/bridge/bridge-nf-call-ip6tables',
];

const ACCEPT_RA = 'net/ipv6/conf/default/accept_ra';

/** Sysctls of this namespace, path below /proc/sys -> value. */
export function wantedSysctls(intent: Intent): Map<string, string> {
  const bridgeNf = needsBridgeNf(rulesetInput(intent)) ? '1' : '0';
  return new Map([
    ['net/ipv4/ip_forward', '1'],
    ...(intent.config.ipv6 ? [['net/ipv6/conf/all/forwarding', '1'] as const] : []),
    ['net/ipv4/conf/all/send_redirects', '0'],
    ['net/ipv4/conf/default/send_redirects', '0'],
    // It is a router: none of its links, present or to come, is to ask for others or to believe an app that says it is one.
    [ACCEPT_RA, '0'],
    ['net/netfilter/nf_conntrack_acct', '1'],
    ['net/netfilter/nf_conntrack_timestamp', '1'],
    ...BRIDGE_NF.map(path => [path, bridgeNf] as const),
  ]);
}

const NO_IPV6: readonly string[] = ['net/ipv6/conf/all/disable_ipv6', 'net/ipv6/conf/default/disable_ipv6'];

/** Sysctls of a switch's namespace: it has no addresses, says nothing by itself, and bridged frames are the bridge table's alone. */
export function wantedSwitchSysctls(): Map<string, string> {
  return new Map([
    ['net/ipv4/ip_forward', '0'],
    ...NO_IPV6.map(path => [path, '1'] as const),
    ...BRIDGE_NF.map(path => [path, '0'] as const),
  ]);
}

/** What a path amounts to in a kernel that lacks it: one without br_netfilter filters no bridged frames, one without IPv6 speaks none. */
const WHEN_MISSING = new Map([
  ...BRIDGE_NF.map(path => [path, '0'] as const),
  ...NO_IPV6.map(path => [path, '1'] as const),
  [ACCEPT_RA, '0'] as const,
]);

/** What a pass over the sysctls did. */
export interface SysctlsApplied {
  written: string[];
  /** Path -> value, of those that could be read. */
  found: Map<string, string>;
  /** Item -> what went wrong. */
  errors: Map<string, string>;
}

/** Writes those that differ, but for those that are held back. Synchronous: rules wait for it, and the way through the thread pool is long. */
export function applySysctls(
  wanted: ReadonlyMap<string, string>,
  isHeld: (path: string) => boolean = () => false,
): SysctlsApplied {
  const written: string[] = [];
  const found = new Map<string, string>();
  const errors = new Map<string, string>();
  for (const [path, value] of wanted) {
    const file = `/proc/sys/${path}`;
    try {
      const present = readOr(file, WHEN_MISSING.get(path));
      found.set(path, present);
      if (present === value || isHeld(path)) continue;
      writeFileSync(file, value);
      found.set(path, value);
      written.push(path);
    } catch (error) {
      errors.set(`sysctl:${path}`, `can't be set to ${value}: ${(error as Error).message}`);
    }
  }
  return { written, found, errors };
}

function readOr(file: string, whenMissing: string | undefined): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (whenMissing !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return whenMissing;
    throw error;
  }
}
