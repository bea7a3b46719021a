import type { run } from '../../shared/kernel/run.ts';
import { isNiboxTable } from '../routing/tables.ts';

/** All that an interface loses when it changes its namespace, so that it can be put on it, or on another, again. */
export interface InterfaceSnapshot {
  mac: string;
  mtu: number;
  up: boolean;
  /** Lines of `ip -batch`, in the order in which they work. */
  addresses: string[];
  /** Lines of `ip -4 -batch` and `ip -6 -batch`. */
  routes4: string[];
  routes6: string[];
  /** Path below /proc/sys -> value, of those that are not as in a new interface. */
  sysctls: Record<string, string>;
  /** It has an address that others can use: the device is reached by it. */
  isAddressed: boolean;
}

export interface IpLink {
  ifname: string;
  flags: string[];
  mtu: number;
  address: string;
  master?: string;
  ifalias?: string;
  linkinfo?: { info_kind?: string };
  addr_info: IpAddress[];
}

export interface IpAddress {
  local: string;
  /** Of the other end of a point-to-point link. */
  address?: string;
  prefixlen: number;
  broadcast?: string;
  scope: string;
  label?: string;
  metric?: number;
  valid_life_time: number;
  preferred_life_time: number;
  temporary?: boolean;
  dynamic?: boolean;
  noprefixroute?: boolean;
  nodad?: boolean;
  mngtmpaddr?: boolean;
}

export interface IpRoute {
  type?: string;
  dst: string;
  gateway?: string;
  via?: { family: string; host: string };
  dev?: string;
  table?: string;
  protocol?: string;
  scope?: string;
  metric?: number;
  prefsrc?: string;
  flags?: string[];
  metrics?: Record<string, number>[];
  expires?: number;
  pref?: string;
  nexthops?: {
    gateway?: string;
    via?: { family: string; host: string };
    dev: string;
    weight: number;
    flags?: string[];
  }[];
}

const FOREVER = 4_294_967_295;
/** Prints `<path>:<value>` for an interface and for a new one; some can't be read unless they are set. */
const SYSCTL_SCRIPT =
  'cd /proc/sys && grep -sH . net/ipv4/conf/"$1"/* net/ipv4/conf/default/* net/ipv6/conf/"$1"/* net/ipv6/conf/default/*; true';

/** Reads what there is to keep of an interface; `link` is what `ip -d addr show` says of it. */
export async function takeSnapshot(execute: typeof run, link: IpLink): Promise<InterfaceSnapshot> {
  const routes = async (family: '-4' | '-6') =>
    JSON.parse((await execute('ip', ['-j', '-d', family, 'route', 'show', 'table', 'all'])) || '[]') as IpRoute[];
  const [routes4, routes6, sysctls] = await Promise.all([
    routes('-4'),
    routes('-6'),
    execute('sh', ['-c', SYSCTL_SCRIPT, 'sh', link.ifname]),
  ]);
  return toSnapshot(link, routes4, routes6, sysctls);
}

/** The snapshot from what the kernel said. */
export function toSnapshot(
  link: IpLink,
  routes4: readonly IpRoute[],
  routes6: readonly IpRoute[],
  sysctls: string,
): InterfaceSnapshot {
  const { ifname, address: mac, mtu, flags, addr_info } = link;
  // Addresses bring the routes of their networks with them, unless they were told not to.
  const isOwn = (route: IpRoute) =>
    route.protocol === 'kernel' && !addr_info.some(({ noprefixroute }) => noprefixroute);
  const keep = (routes: readonly IpRoute[]) =>
    routes
      .filter(route => isOver(route, ifname) && !isOwn(route))
      .sort(directFirst)
      .map(routeLine);
  return {
    mac,
    mtu,
    up: flags.includes('UP'),
    addresses: addr_info.filter(({ temporary }) => !temporary).map(one => addressLine(one, ifname)),
    routes4: keep(routes4),
    routes6: keep(routes6),
    sysctls: ownSysctls(sysctls, ifname),
    isAddressed: addr_info.some(({ scope }) => scope === 'global'),
  };
}

/** Those that differ from what a new interface gets. */
function ownSysctls(text: string, device: string): Record<string, string> {
  const values = new Map(text.split('\n').map(line => [line.split(':', 1)[0]!, line.slice(line.indexOf(':') + 1)]));
  const own = [...values].filter(([path, value]) => {
    const [family, key] = /^net\/(ipv[46])\/conf\/.+\/([^/]+)$/.exec(path)?.slice(1) ?? [];
    return path === `net/${family}/conf/${device}/${key}` && values.get(`net/${family}/conf/default/${key}`) !== value;
  });
  return Object.fromEntries(own);
}

function addressLine(address: IpAddress, device: string): string {
  const { local, address: peer, prefixlen, broadcast, scope, label, metric } = address;
  const { valid_life_time: valid, preferred_life_time: preferred } = address;
  return [
    `address replace ${peer ? `${local} peer ${peer}` : local}/${prefixlen} dev ${device}`,
    ...(broadcast ? [`broadcast ${broadcast}`] : []),
    ...(scope === 'global' ? [] : [`scope ${scope}`]),
    ...(label && label !== device ? [`label ${label}`] : []),
    ...(metric ? [`metric ${metric}`] : []),
    ...(valid === FOREVER ? [] : [`valid_lft ${valid}`]),
    ...(preferred === FOREVER ? [] : [`preferred_lft ${preferred}`]),
    ...(address.noprefixroute ? ['noprefixroute'] : []),
    ...(address.nodad ? ['nodad'] : []),
    ...(address.mngtmpaddr ? ['mngtmpaddr'] : []),
  ].join(' ');
}

/** Those that lead out by the interface; what nibox itself routes it puts right by itself. */
function isOver({ dev, nexthops = [], table = 'main', type = 'unicast' }: IpRoute, device: string): boolean {
  if (table === 'local' || isNiboxTable(Number(table)) || !['unicast', 'throw', 'nat'].includes(type)) return false;
  return dev === device || nexthops.some(hop => hop.dev === device);
}

/** A gateway must be reachable before a route over it is accepted. */
function directFirst(a: IpRoute, b: IpRoute): number {
  const isIndirect = ({ gateway, via, nexthops }: IpRoute) => Number(Boolean(gateway ?? via ?? nexthops));
  return isIndirect(a) - isIndirect(b);
}

function routeLine(route: IpRoute): string {
  const { dst, table = 'main', protocol, scope, metric, prefsrc, metrics = [], expires, pref, nexthops } = route;
  return [
    `route replace ${dst}`,
    ...(nexthops ? [] : hopWords(route)),
    `table ${table}`,
    ...(protocol ? [`proto ${protocol}`] : []),
    ...(scope && scope !== 'global' ? [`scope ${scope}`] : []),
    ...(metric ? [`metric ${metric}`] : []),
    ...(prefsrc ? [`src ${prefsrc}`] : []),
    ...(pref && pref !== 'medium' ? [`pref ${pref}`] : []),
    ...(expires ? [`expires ${expires}`] : []),
    ...metrics.flatMap(values => Object.entries(values).map(([name, value]) => `${name} ${value}`)),
    ...(nexthops ?? []).flatMap(hop => ['nexthop', ...hopWords(hop), `weight ${hop.weight}`]),
  ].join(' ');
}

function hopWords({ gateway, via, dev, flags = [] }: Pick<IpRoute, 'gateway' | 'via' | 'dev' | 'flags'>): string[] {
  return [
    ...(gateway ? [`via ${gateway}`] : via ? [`via ${via.family} ${via.host}`] : []),
    ...(dev ? [`dev ${dev}`] : []),
    ...(flags.includes('onlink') ? ['onlink'] : []),
  ];
}
