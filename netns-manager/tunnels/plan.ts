import { canonicalCidr } from '../../shared/net/address.ts';
import type { VpnTunnel } from '../../shared/proto/messages.ts';
import type { LinkCommand } from '../bridge/plan.ts';
import { type Intent, UPLINK } from '../intent.ts';
import { IKE_MARK, TUN_DEVICE } from '../ipsec/backend.ts';
import type { TunnelDevice } from '../ipsec/tunnel-device.ts';
import { TUNNEL_ROUTES } from '../items/tunnels.ts';
import type { ActualTunnels } from './actual.ts';
import { LIBIPSEC_MTU, tunnelMtu } from './mtu.ts';

/** The table that holds the ways into the tunnels, and the rule's priority: charon's own numbers, which it leaves to us. */
export const TUNNEL_TABLE = 220;
/** Interfaces of route-based tunnels; charon's own TUN device has a shorter name. */
const XFRM_NAME = /^ipsec[0-9a-f]{8}$/;
/** Behind every other route of its network: where a tunnel's device is missing an app is told so at once. */
const UNREACHABLE_METRIC = 20_000;

/**
 * Commands for the ways into the tunnels: one rule, and per remote network a route and behind it an `unreachable`. A device that is
 * not there yet gets its routes when it comes.
 */
export function planTunnels(
  { config }: Intent,
  deviceOf: (tunnel: VpnTunnel) => TunnelDevice,
  actual: ActualTunnels,
): LinkCommand[] {
  const { vpn, transit, ipv4 } = config;
  if (!vpn || !transit) return [];
  const commands: LinkCommand[] = [];
  const rule = `priority ${TUNNEL_TABLE} not from all fwmark 0x${IKE_MARK.toString(16)} lookup ${TUNNEL_TABLE}`;
  if (!actual.rules.includes(rule)) commands.push(ip(TUNNEL_ROUTES, `rule add ${rule}`));

  const devices = new Set<string>();
  const wanted = new Map<string, string>();
  for (const tunnel of vpn.tunnels) {
    const device = deviceOf(tunnel);
    devices.add(device.name);
    const item = `tunnel:${tunnel.name}`;
    commands.push(...planDevice(tunnel, device, item, tunnelMtu(config), actual));
    const there = actual.devices.has(device.name) || device.xfrmId !== undefined;
    for (const subnet of tunnel.remoteSubnets.filter(subnet => !subnet.includes(':'))) {
      const network = networkText(subnet);
      const via = device.name === UPLINK ? ` via ${transit.peer}` : '';
      // The NI's own packets go into the tunnel by an address that its selectors know.
      const source = ipv4 ? ` src ${ipv4.gateway}` : '';
      if (there) wanted.set(`${network}${via} dev ${device.name}${source}`, item);
      wanted.set(`unreachable ${network} metric ${UNREACHABLE_METRIC}`, item);
    }
  }
  // A remote network may be everything: what is near stays near.
  for (const near of [ipv4?.subnet, transit.address, ...config.staticRoutes.map(({ destination }) => destination)]) {
    if (near && !near.includes(':')) wanted.set(`throw ${networkText(near)}`, TUNNEL_ROUTES);
  }
  for (const name of actual.devices.keys()) {
    if (!XFRM_NAME.test(name) || devices.has(name)) continue;
    commands.push(ip(TUNNEL_ROUTES, `link del dev ${name}`));
  }
  return [...commands, ...planRoutes(wanted, actual.routes)];
}

/**
 * Closes first, then takes away, then opens: the kernel refuses a second route to the same network by another device, and between
 * the two the network is unreachable.
 */
function planRoutes(wanted: ReadonlyMap<string, string>, present: readonly string[]): LinkCommand[] {
  const missing = [...wanted].filter(([route]) => !present.includes(route));
  const closes = ([route]: [string, string]) => !route.includes(' dev ');
  const add = ([route, item]: [string, string]) => ip(item, `route add ${route} table ${TUNNEL_TABLE}`);
  const unwanted = present.filter(route => !wanted.has(route));
  return [
    ...missing.filter(closes).map(add),
    ...unwanted.map(route => ip(TUNNEL_ROUTES, `route del ${route} table ${TUNNEL_TABLE}`)),
    ...missing.filter(route => !closes(route)).map(add),
  ];
}

function planDevice(
  tunnel: VpnTunnel,
  { name, xfrmId }: TunnelDevice,
  item: string,
  mtu: number,
  { devices }: ActualTunnels,
): LinkCommand[] {
  if (name === UPLINK) return [];
  const present = devices.get(name);
  const commands: LinkCommand[] = [];
  if (!present && xfrmId === undefined) return []; // charon's: it comes with charon
  if (!present) commands.push(ip(item, `link add name ${name} type xfrm dev ${UPLINK} if_id ${xfrmId}`));
  const fitting = name === TUN_DEVICE ? Math.min(mtu, LIBIPSEC_MTU) : mtu;
  if (present?.mtu !== fitting) commands.push(ip(item, `link set dev ${name} mtu ${fitting}`));
  if (!present?.up) commands.push(ip(item, `link set dev ${name} up`));
  const address = tunnel.tunnelAddress;
  if (address !== '' && !present?.addresses.includes(address.split('/', 1)[0]!)) {
    const peer = tunnel.tunnelPeer === '' ? '' : ` peer ${tunnel.tunnelPeer}`;
    commands.push(ip(item, `addr add ${peer ? address.split('/', 1)[0] : address}${peer} dev ${name}`));
  }
  return commands;
}

function ip(item: string, line: string): LinkCommand {
  return { item, program: 'ip', line };
}

/** As `ip` prints it. */
function networkText(cidr: string): string {
  const network = canonicalCidr(cidr)!.replace(/\/32$/, '');
  return network === '0.0.0.0/0' ? 'default' : network;
}
