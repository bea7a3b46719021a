import type { run } from '../../shared/kernel/run.ts';
import { showIp } from '../../shared/kernel/show-ip.ts';

export interface ActualLink {
  ifname: string;
  mtu: number;
  flags: string[];
  linkinfo?: { info_kind?: string };
}

export interface ActualAddresses {
  ifname: string;
  addr_info: { family: string; local: string; prefixlen: number }[];
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
  const options = { execute, timeoutMs: READ_TIMEOUT_MS };
  // Two programs, as routes of all families can't be told apart, and addresses of one leave out links.
  const [[links, rules], [routes]] = await Promise.all([
    showIp<[(ActualLink & ActualAddresses)[], ActualRule[]]>(['address show', 'rule show'], {
      ...options,
      flags: ['-d'],
    }),
    showIp<[ActualRoute[]]>(['route show table all'], { ...options, flags: ['-d', '-4'] }),
  ]);
  return {
    links,
    addresses: links.map(({ ifname, addr_info }) => {
      return { ifname, addr_info: addr_info.filter(({ family }) => family === 'inet') };
    }),
    routes,
    rules,
  };
}
