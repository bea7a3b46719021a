import type { run } from '../../shared/kernel/run.ts';

export interface ActualLink {
  ifname: string;
  mtu: number;
  flags: string[];
  linkinfo?: { info_kind?: string };
}

export interface ActualAddresses {
  ifname: string;
  addr_info: { local: string; prefixlen: number }[];
}

export interface ActualRoute {
  type?: string;
  dst: string;
  gateway?: string;
  dev?: string;
  table?: string;
  metric?: number;
}

export interface ActualRule {
  priority: number;
  src?: string;
  iif?: string;
  oif?: string;
  table?: string;
}

/** What `ip` tells of a namespace, IPv4 only. */
export interface Actual {
  links: ActualLink[];
  addresses: ActualAddresses[];
  routes: ActualRoute[];
  rules: ActualRule[];
}

/** While the kernel makes or removes hundreds of namespaces, their locks keep everybody waiting. */
const READ_TIMEOUT_MS = 60_000;

/** Reads links, addresses, routes of all tables and rules. */
export async function readActual(execute: typeof run): Promise<Actual> {
  const read = async <T>(...args: string[]): Promise<T[]> => {
    // ip prints nothing at all, or empty objects, where it has nothing to say
    const listed: T[] = JSON.parse((await execute('ip', ['-j', ...args], { timeoutMs: READ_TIMEOUT_MS })) || '[]');
    return listed.filter(item => Object.keys(item as object).length > 0);
  };
  const [links, addresses, routes, rules] = await Promise.all([
    read<ActualLink>('-d', 'link', 'show'),
    read<ActualAddresses>('-4', 'address', 'show'),
    read<ActualRoute>('-4', '-d', 'route', 'show', 'table', 'all'),
    read<ActualRule>('-4', 'rule', 'show'),
  ]);
  return { links, addresses, routes, rules };
}
