import { createHash } from 'node:crypto';
import type { Ace, App, AppInterface, DeviceConfig, NetworkInstance } from '../../shared/config/model.ts';
import { uplinksOf } from '../../shared/config/uplinks.ts';
import { IKE_PORTS } from '../../shared/config/vpn/ports.ts';
import {
  AceAction,
  AceDirection,
  type AppInterfaceConfig,
  type NetworkInstanceConfig,
  NetworkInstanceType,
  type UplinkStatus,
  type VpnCredentials,
  type Ace as WireAce,
} from '../../shared/proto/messages.ts';
import { type Allocator, interfaceMac, rangeAddress, transitAddresses } from '../allocate/allocator.ts';
import type { RootInstance, RootPortmap } from '../routing/intent.ts';
import type { Uplink } from '../uplinks/observe.ts';
import { switchMtu, switchPorts, switchUplinks } from './switch.ts';
import { credentialsMessages, isCalled, vpnMessage } from './vpn.ts';

/** All that one network instance's manager and the root namespace are told of it. */
export interface InstanceIntent {
  source: NetworkInstance;
  number: number;
  /** The uplink that its port stands for now; a switch has none that it routes over. */
  uplink?: Uplink;
  /** A switch's uplinks. */
  ports: Uplink[];
  /** Root end of the transit link. */
  device: string;
  peer: string;
  address: string;
  config: NetworkInstanceConfig;
  vifs: VifIntent[];
  uplinks: UplinkStatus[];
  /** Secrets: for the manager's own socket, never for clients of the API. */
  credentials: VpnCredentials[];
}

export interface VifIntent {
  app: App;
  source: AppInterface;
  message: AppInterfaceConfig;
}

const TYPES = { local: NetworkInstanceType.LOCAL, switch: NetworkInstanceType.SWITCH, vpn: NetworkInstanceType.VPN };
const DIRECTIONS = { both: AceDirection.BOTH, ingress: AceDirection.INGRESS, egress: AceDirection.EGRESS };
const ACTIONS = { allow: AceAction.ALLOW, drop: AceAction.DROP, limit: AceAction.LIMIT, portmap: AceAction.PORTMAP };

/** What is to be for each network instance that runs. Pure but for the numbers, which the allocator keeps. */
export function instanceIntents(
  device: DeviceConfig,
  instances: readonly NetworkInstance[],
  uplinks: readonly Uplink[],
  allocator: Allocator,
  own: { prefix: string; digestKey: Uint8Array },
): InstanceIntent[] {
  const members = new Map<string, { app: App; source: AppInterface }[]>();
  for (const app of device.apps) {
    if (!app.activate) continue;
    for (const source of app.interfaces) {
      if (source.issues.length > 0) continue;
      const list = members.get(source.networkInstance) ?? [];
      list.push({ app, source });
      members.set(source.networkInstance, list);
    }
  }
  return instances.map(ni => instanceIntent(device, ni, members.get(ni.name) ?? [], uplinks, allocator, own));
}

function instanceIntent(
  device: DeviceConfig,
  ni: NetworkInstance,
  members: readonly { app: App; source: AppInterface }[],
  uplinks: readonly Uplink[],
  allocator: Allocator,
  { prefix, digestKey }: { prefix: string; digestKey: Uint8Array },
): InstanceIntent {
  const number = allocator.instanceNumber(ni.uuid);
  const isSwitch = ni.type === 'switch';
  const uplink = isSwitch ? undefined : selectUplink(ni.port, uplinks);
  const ports = switchUplinks(ni, uplinks);
  const { peer, address } = transitAddresses(device.transitPool, number);
  const vifs = members.map(({ app, source }) => ({
    app,
    source,
    message: appInterfaceConfig(device, ni, app, source, uplinks, allocator),
  }));
  const config: NetworkInstanceConfig = {
    name: ni.name,
    uuid: ni.uuid,
    number,
    type: TYPES[ni.type],
    generation: 0,
    mtu: isSwitch ? switchMtu(ni, ports) : ni.mtu,
    port: ni.port,
    ipv4: ni.ipv4 ?? null,
    ipv6: ni.ipv6 ?? null,
    transit:
      ni.port === '' || isSwitch
        ? null
        : { address: `${address}/30`, peer, mtu: uplink?.mtu ?? 1500, address6: '', peer6: '' },
    dhcp: {
      dnsServers: ni.dnsServers,
      domain: ni.domain,
      ntpServers: ni.ntpServers.length > 0 ? ni.ntpServers : (uplink?.config.ntpServers ?? []),
      routes: ni.propagateConnectedRoutes ? connectedRoutes(uplink) : [],
      noDefaultRoute: ni.port === '',
    },
    dnsHosts: ni.dnsHosts,
    flowLog: ni.flowLog,
    device: device.device,
    staticRoutes: ni.staticRoutes,
    vpn: vpnMessage(ni, { address: ipv4Address(uplink), digestKey }),
    ports: switchPorts(ports),
    logs: { sizeKib: ni.resources.logSize, linesPerSecond: ni.resources.logLines },
  };
  const statuses = (uplink ? [uplink] : ports).map(uplinkStatus);
  config.generation = generationOf([config, vifs.map(({ message }) => message), statuses]);
  return {
    source: ni,
    number,
    ...(uplink && { uplink }),
    ports,
    device: `${prefix}${number}`,
    peer,
    address,
    config,
    vifs,
    uplinks: statuses,
    credentials: credentialsMessages(ni),
  };
}

function appInterfaceConfig(
  device: DeviceConfig,
  ni: NetworkInstance,
  app: App,
  source: AppInterface,
  uplinks: readonly Uplink[],
  allocator: Allocator,
): AppInterfaceConfig {
  const vifNumber = allocator.vifNumber(ni.uuid, app.uuid, source.name);
  const appNumber = allocator.appNumber(app.uuid);
  const position = app.interfaces.indexOf(source) + 1;
  return {
    vif: `nbu${position}x${appNumber}`,
    vifNumber,
    appName: app.name,
    appUuid: app.uuid,
    appNumber,
    name: source.name,
    mac: interfaceMac(device.device.uuid, app.uuid, ni.uuid, source),
    ipv4: source.ipv4 ?? (ni.ipv4 ? rangeAddress(ni.ipv4.rangeStart, vifNumber) : ''),
    ipv6: source.ipv6 ?? (ni.ipv6 ? rangeAddress(ni.ipv6.rangeStart, vifNumber) : ''),
    acl: source.acl.map(ace => wireAce(ace, ni, uplinks)),
    attached: true,
    accessVlan: source.accessVlan,
  };
}

function wireAce(ace: Ace, ni: NetworkInstance, uplinks: readonly Uplink[]): WireAce {
  const { match, action } = ace;
  const limit = action.kind === 'limit' ? action : null;
  const mapped = action.kind === 'portmap' ? portmapUplinks(ace, ni, uplinks) : [];
  return {
    id: ace.id,
    name: ace.name,
    direction: DIRECTIONS[ace.direction],
    action: ACTIONS[action.kind],
    ip: match.ip ?? '',
    host: match.host ?? '',
    eidset: match.eidset ?? false,
    protocol: match.protocol ?? '',
    lport: match.lport ?? '',
    fport: match.fport ?? '',
    adapter: match.adapter ?? '',
    limitRate: limit?.rate ?? 0,
    limitUnit: limit?.unit ?? '',
    limitBurst: limit?.burst ?? 0,
    appPort: action.kind === 'portmap' ? action.appPort : 0,
    portmapUplinks: mapped.map(uplink => ({ uplink: uplink.interface, addresses: uplink.addresses })),
  };
}

/** The uplinks on which a portmap ACE listens: those of its adapter label, which must carry the NI; else the NI's. */
function portmapUplinks(ace: Ace, ni: NetworkInstance, uplinks: readonly Uplink[]): Uplink[] {
  const selected = selectUplink(ni.port, uplinks);
  if (!selected) return [];
  if (ace.match.adapter === undefined) return [selected];
  const meant = uplinksOf(
    ace.match.adapter,
    uplinks.map(({ config }) => config),
  );
  return meant.includes(selected.config) ? [selected] : [];
}

/** The uplink of a port label: the cheapest that is up, in the order of the config. */
export function selectUplink(port: string, uplinks: readonly Uplink[]): Uplink | undefined {
  const meant = uplinksOf(
    port,
    uplinks.map(({ config }) => config),
  );
  const candidates = uplinks.filter(({ config }) => meant.includes(config));
  const byCost = [...candidates].sort((a, b) => a.config.cost - b.config.cost);
  return byCost.find(({ up, addresses }) => up && addresses.length > 0) ?? byCost[0];
}

function uplinkStatus(uplink: Uplink): UplinkStatus {
  return {
    name: uplink.interface,
    label: uplink.config.label,
    up: uplink.up,
    addresses: uplink.addresses,
    gateways: uplink.gateway ? [uplink.gateway] : [],
    dnsServers: uplink.dnsServers,
    ntpServers: uplink.config.ntpServers,
    mtu: uplink.mtu,
    selected: true,
  };
}

/** Its first IPv4 address; empty: it has none now. */
function ipv4Address(uplink: Uplink | undefined): string {
  return uplink?.addresses.find(address => !address.includes(':'))?.split('/')[0] ?? '';
}

function connectedRoutes(uplink: Uplink | undefined): { destination: string; gateway: string }[] {
  return (uplink?.addresses ?? [])
    .filter(text => !text.includes(':'))
    .map(destination => ({ destination, gateway: '' }));
}

/** What the root namespace holds for an instance. */
export function rootInstance(intent: InstanceIntent, netnsPath: string): RootInstance {
  const portmaps = intent.vifs.flatMap(({ message }) =>
    message.acl.flatMap(ace =>
      ace.portmapUplinks.map(({ uplink }) => ({
        uplink,
        protocol: ace.protocol as 'tcp' | 'udp' | 'sctp',
        port: Number(ace.lport),
      })),
    ),
  );
  return {
    number: intent.number,
    device: intent.device,
    peerAddress: `${intent.peer}/30`,
    innerAddress: intent.address,
    netnsPath,
    mtu: intent.uplink?.mtu ?? 1500,
    ...(intent.uplink && { uplink: intent.uplink.interface }),
    subnets: intent.source.ipv4 ? [intent.source.ipv4.subnet] : [],
    remoteSubnets: (intent.source.vpn?.tunnels ?? []).flatMap(tunnel => tunnel.remoteSubnets),
    portmaps: [...portmaps, ...ikePortmaps(intent)],
  };
}

/** What comes from outside to IKE's ports goes to the NI that may be called. */
function ikePortmaps({ source, uplink }: InstanceIntent): RootPortmap[] {
  if (!uplink || !isCalled(source)) return [];
  return IKE_PORTS.map(port => ({ uplink: uplink.interface, protocol: 'udp', port }));
}

/** The same content has the same generation, also in another life of the supervisor. Fits a double. */
function generationOf(content: unknown): number {
  return Number.parseInt(createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12), 16);
}
