import { canonicalCidr } from '../../shared/net/address.ts';
import { BRIDGE, type Intent, UPLINK } from '../intent.ts';
import type { ActualLinks } from './actual.ts';
import { bridgeAddresses, bridgeMac, transitAddresses, transitPeers } from './wanted.ts';

/** One line of `ip -batch` or `bridge -batch`, and the item that it brings about. */
export interface LinkCommand {
  item: string;
  program: 'ip' | 'bridge';
  line: string;
}

/** The commands that turn what is into what is wanted; none when it is so already. */
export function planLinks(intent: Intent, actual: ActualLinks, guarded: boolean): LinkCommand[] {
  return [
    ...planLoopback(actual),
    ...planBridge(intent, actual),
    ...planUplink(intent, actual),
    // Without rules no VIF joins the bridge: closed, not open.
    ...(guarded ? planVifs(intent, actual) : []),
  ];
}

function planLoopback(actual: ActualLinks): LinkCommand[] {
  return actual.links.get('lo')?.up ? [] : [ip('link:lo', 'link set dev lo up')];
}

function planBridge({ config }: Intent, actual: ActualLinks): LinkCommand[] {
  const item = `link:${BRIDGE}`;
  const named = actual.links.get(BRIDGE);
  const bridge = named?.kind === 'bridge' ? named : undefined;
  const mac = bridgeMac(config.uuid);
  const commands: LinkCommand[] = [];
  if (named && !bridge) commands.push(ip(item, `link del dev ${BRIDGE}`));
  if (!bridge) {
    commands.push(
      ip(item, `link add name ${BRIDGE} address ${mac} mtu ${config.mtu} type bridge stp_state 0 forward_delay 0`),
    );
  } else if (bridge.mac !== mac || bridge.mtu !== config.mtu) {
    commands.push(ip(item, `link set dev ${BRIDGE} address ${mac} mtu ${config.mtu}`));
  }
  if (!bridge?.up) commands.push(ip(item, `link set dev ${BRIDGE} up`));
  return [...commands, ...planAddresses(BRIDGE, bridgeAddresses(config), bridge?.addresses ?? [])];
}

function planUplink({ config }: Intent, actual: ActualLinks): LinkCommand[] {
  const { transit } = config;
  const uplink = actual.links.get(UPLINK);
  if (!transit || !uplink) return [];
  const commands: LinkCommand[] = [];
  if (uplink.mtu !== transit.mtu) commands.push(ip(`link:${UPLINK}`, `link set dev ${UPLINK} mtu ${transit.mtu}`));
  if (!uplink.up) commands.push(ip(`link:${UPLINK}`, `link set dev ${UPLINK} up`));
  commands.push(...planAddresses(UPLINK, transitAddresses(transit), uplink.addresses));
  for (const peer of transitPeers(transit)) {
    // A link that flaps loses its routes.
    if (!uplink.up || !actual.defaultRoutes.includes(peer)) {
      commands.push(ip(`route:default`, `route replace default via ${peer} dev ${UPLINK}`));
    }
  }
  for (const { destination, gateway } of config.staticRoutes) {
    if (gateway === '') continue;
    const present = actual.routes.some(
      route => canonicalCidr(route.destination) === canonicalCidr(destination) && route.gateway === gateway,
    );
    if (!present) commands.push(ip(`route:${destination}`, `route replace ${destination} via ${gateway}`));
  }
  return commands;
}

function planVifs({ config, apps }: Intent, actual: ActualLinks): LinkCommand[] {
  const commands: LinkCommand[] = [];
  for (const { vif, mac } of apps) {
    const link = actual.links.get(vif);
    if (!link) continue; // the supervisor makes it
    const item = `vif:${vif}`;
    if (link.mtu !== config.mtu) commands.push(ip(item, `link set dev ${vif} mtu ${config.mtu}`));
    if (link.master !== BRIDGE) commands.push(ip(item, `link set dev ${vif} master ${BRIDGE}`));
    if (link.master !== BRIDGE || !link.lockedPort) {
      commands.push(ip(item, `link set dev ${vif} type bridge_slave locked on learning off`));
    }
    const entry = `${mac.toLowerCase()} ${vif}`;
    if (link.master !== BRIDGE || !actual.fdb.has(entry)) {
      commands.push({ item, program: 'bridge', line: `fdb replace ${mac} dev ${vif} master static` });
    }
    if (!link.up) commands.push(ip(item, `link set dev ${vif} up`));
  }
  const wanted = new Set(apps.map(({ vif, mac }) => `${mac.toLowerCase()} ${vif}`));
  for (const entry of actual.fdb) {
    const [mac, port] = entry.split(' ');
    if (!wanted.has(entry))
      commands.push({ item: `vif:${port}`, program: 'bridge', line: `fdb del ${mac} dev ${port} master` });
  }
  return commands;
}

/** Adds what is missing and takes away global addresses that nobody wants; link-local IPv6 is the kernel's. */
export function planAddresses(device: string, wanted: readonly string[], present: readonly string[]): LinkCommand[] {
  const item = (address: string) => `address:${device} ${address}`;
  const missing = wanted.filter(address => !present.includes(address));
  const unwanted = present.filter(address => !wanted.includes(address) && !address.startsWith('fe80:'));
  return [
    ...missing.map(address => {
      // Duplicate address detection would keep a v6 address unusable for a second; nobody else may have it here.
      return ip(item(address), `addr add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`);
    }),
    ...unwanted.map(address => ip(item(address), `addr del ${address} dev ${device}`)),
  ];
}

/** A line of `ip -batch`. */
export function ip(item: string, line: string): LinkCommand {
  return { item, program: 'ip', line };
}
