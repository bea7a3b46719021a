import { cidrContains, formatCidr, parseAddress, parseCidr } from '../../shared/net/address.ts';
import type { Actual, ActualRoute } from './actual.ts';
import { connected, type RootIntent, type RootUplink } from './intent.ts';
import { isUp, transitLinks } from './links.ts';
import type { TableNumbers } from './tables.ts';

/** The kernel takes the greatest metric last. */
const lastResort = 65_535;

/** Commands for the routes of all our tables: those to run before the rules change, and those after it. */
export function planRoutes(
  intent: RootIntent,
  actual: Actual,
  tables: TableNumbers,
): { before: string[]; after: string[] } {
  const instances = connected(intent);
  const uplinks = new Set([
    ...intent.uplinks.map(uplink => uplink.interface),
    ...instances.map(({ uplink }) => uplink),
  ]);
  const wanted = new Map<string, { key: string; extra: string }>();
  const want = (number: number, bare: ActualRoute, extra = '') => {
    const route = { ...bare, table: String(number) };
    wanted.set(text(route), { key: place(route), extra });
  };

  for (const name of uplinks) {
    const members = instances.filter(({ uplink }) => uplink === name);
    const seen = intent.uplinks.find(uplink => uplink.interface === name);
    const table = tables.ofUplink(name);
    want(table, { type: 'throw', dst: intent.transitPool });
    for (const { peerAddress, device } of members) {
      // The rule for `iif` comes before `local`: without this the kernel would not answer ARP for its own end.
      want(table, { type: 'local', dst: host(peerAddress), dev: device });
    }
    const up = actual.links.some(link => link.ifname === name && isUp(link));
    if (seen && up) for (const { route, extra } of exitRoutes(seen, actual)) want(table, route, extra);
    // Always there: when a link flaps the kernel takes its routes, and apps must not fall through to `main`.
    want(table, { type: 'unreachable', dst: 'default', metric: lastResort });
  }
  for (const { number, device, innerAddress, subnets } of instances) {
    for (const dst of new Set(subnets.filter(isIpv4))) {
      want(tables.ofInstance(number), { dst: canonical(dst), gateway: innerAddress, dev: device }, ' onlink');
    }
  }

  const has = actual.routes.filter(({ table }) => tables.owns(Number(table)));
  const present = new Set(has.map(text));
  const missing = [...wanted].filter(([route]) => !present.has(route));
  const replaced = new Set(missing.map(([, { key }]) => key));
  const gone = goneDevices(intent, actual);
  return {
    before: missing.map(([route, { extra }]) => `route replace ${route}${extra}`),
    after: has
      .filter(route => !wanted.has(text(route)) && !replaced.has(place(route)) && !gone(route))
      .map(route => `route delete ${text(route)}`),
  };
}

/** The routes of a deleted link go with it. */
function goneDevices(intent: RootIntent, actual: Actual): (route: ActualRoute) => boolean {
  const stays = new Set(connected(intent).map(({ device }) => device));
  const going = transitLinks(intent.prefix, actual).filter(name => !stays.has(name));
  return ({ dev }) => dev !== undefined && going.includes(dev);
}

function exitRoutes(uplink: RootUplink, { routes }: Actual): { route: ActualRoute; extra: string }[] {
  const dev = uplink.interface;
  const networks = uplink.addresses.filter(isIpv4).flatMap(address => parseCidr(address) ?? []);
  const direct = [...new Set(networks.filter(({ prefixLength }) => prefixLength < 32).map(formatCidr))];
  const gateway = uplink.gateway ?? defaultGateway(routes, dev);
  const address = gateway === undefined ? null : parseAddress(gateway);
  const onlink = address && !networks.some(network => cidrContains(network, address));
  return [
    ...direct.map(dst => ({ route: { dst, dev }, extra: ' scope link' })),
    ...(gateway === undefined ? [] : [{ route: { dst: 'default', gateway, dev }, extra: onlink ? ' onlink' : '' }]),
  ];
}

function defaultGateway(routes: readonly ActualRoute[], dev: string): string | undefined {
  return routes
    .filter(route => route.dst === 'default' && route.dev === dev && (route.table ?? 'main') === 'main')
    .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
    .find(route => route.gateway !== undefined)?.gateway;
}

/** A route as `ip route` takes it; the same text means the same route. */
function text({ type = 'unicast', dst, gateway, dev, metric, table }: ActualRoute): string {
  const exit = type === 'unicast' || type === 'local' ? `${gateway ? ` via ${gateway}` : ''} dev ${dev}` : '';
  return `${type} ${dst}${exit} table ${table}${metric ? ` metric ${metric}` : ''}`;
}

/** One route at a time can be in such a place, and a new one replaces it. */
const place = ({ dst, metric = 0, table }: ActualRoute) => `${dst} ${metric} ${table}`;

const host = (address: string) => address.split('/')[0]!;
const isIpv4 = (address: string) => !address.includes(':');

/** As `ip` prints it: host bits cleared, no `/32`. */
function canonical(cidr: string): string {
  const parsed = parseCidr(cidr);
  return parsed ? formatCidr(parsed).replace(/\/32$/, '') : cidr;
}
