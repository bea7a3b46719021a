import { canonicalCidr, parseHostAddress } from '../../net/address.ts';
import type { NetworkDraft, NetworkInstanceDraft } from '../draft.ts';
import { ignoringMissing, type Reporter, reporter, type Told } from '../issue.ts';
import type { Issue, NetworkInstanceKind } from '../model.ts';
import { below } from '../path.ts';
import { RESOURCE_DEFAULTS } from '../resources.ts';
import type { VpnDraft } from '../vpn/draft.ts';
import type { DecodeContext, Decoded, Raw } from './decode.ts';
import { Identities } from './identity.ts';
import { INSTANCE_TYPES, networkInstance } from './messages.ts';
import { readOpaqueConfig } from './vpn/read.ts';

type EveNi = Decoded<typeof networkInstance>;

const KINDS: Record<number, NetworkInstanceKind> = { 1: 'switch', 2: 'local', 3: 'vpn' };

/** EVE's numbers of address types, by family. `Crypto` ones were meant for overlays and are read as plain ones, as EVE does. */
const FAMILIES: Record<number, 4 | 6> = { 1: 4, 2: 6, 3: 4, 4: 6 };

/** The network instances of a document, each with what is wrong with it alone. */
export function readNetworkInstances(elements: Raw[], issues: Issue[], context: DecodeContext): NetworkInstanceDraft[] {
  const read = elements.flatMap(({ value, path }) => {
    const own: Issue[] = [];
    const report = reporter('ni', issues, own);
    const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
    const ni = networkInstance(value, path, { ...context, report: isMapping ? report : context.report });
    return ni ? [{ ni, own, report }] : [];
  });
  const identities = new Identities(
    'network instance',
    read.map(({ ni }) => ni),
    context.report,
  );
  return read.map(({ ni, own, report }, index) => {
    // What could not be read counts as absent, and must not be called missing too.
    const isPartial = own.length > 0;
    return { ...identities.identify(ni, index, report), ...draftOf(ni, isPartial, report), isPartial, issues: own };
  });
}

function draftOf(
  ni: EveNi,
  isPartial: boolean,
  report: Reporter,
): Omit<NetworkInstanceDraft, 'name' | 'uuid' | 'isPartial' | 'issues'> {
  const type = readType(ni, report);
  const networks = readNetworks(ni, type, report);
  const told = (values: string[], path: string): Told<string>[] =>
    values.map((value, index) => ({ path: below(path, index), value }));
  const ip = ni.ip;
  const ipPath = ni.at('ip');
  return {
    path: ni.path,
    type: type ?? 'local',
    activate: ni.activate,
    flowLog: !ni.disable_flowlog,
    resources: { ...RESOURCE_DEFAULTS },
    propagateConnectedRoutes: ni.propagate_connected_routes,
    port: optional(ni.port?.at('name') ?? ni.at('port'), ni.port?.name),
    mtu: { path: ni.at('mtu'), value: ni.mtu === 0 ? undefined : ni.mtu },
    ...networks,
    dnsServers: told(ip?.dns ?? [], ip?.at('dns') ?? ipPath),
    domain: optional(ip?.at('domain') ?? ipPath, ip?.domain),
    ntpServers: [
      ...(ip?.ntp ? [{ path: ip.at('ntp'), value: ip.ntp }] : []),
      ...told(ip?.more_ntp ?? [], ip?.at('more_ntp') ?? ipPath),
    ],
    dnsHosts: ni.dns.flatMap(entry =>
      entry
        ? [
            {
              name: { path: entry.at('HostName'), value: entry.HostName },
              addresses: told(entry.Address, entry.at('Address')),
            },
          ]
        : [],
    ),
    routes: readRoutes(ni, report),
    vpn: readVpn(ni, type, networks, isPartial ? ignoringMissing(report) : report),
  };
}

function readType(ni: EveNi, report: Reporter): NetworkInstanceKind | undefined {
  const kind = KINDS[ni.instType];
  if (!kind) {
    const name = Object.entries(INSTANCE_TYPES).find(([, number]) => number === ni.instType)?.[0];
    const reason = `type ${ni.instType}${name ? ` (${name})` : ''} is not supported`;
    report.refuse({ path: ni.at('instType'), value: ni.instType }, reason, 'use 1 (switch), 2 (local) or 3 (VPN)');
  }
  return kind;
}

function readNetworks(
  ni: EveNi,
  type: NetworkInstanceKind | undefined,
  report: Reporter,
): { ipv4: NetworkDraft; ipv6: NetworkDraft } {
  const path = ni.at('ip');
  const { ip } = ni;
  const given: NetworkDraft = {
    subnet: optional(ip?.at('subnet') ?? below(path, 'subnet'), ip?.subnet),
    gateway: optional(ip?.at('gateway') ?? below(path, 'gateway'), ip?.gateway),
    rangeStart: optional(ip?.dhcpRange?.at('start') ?? path, ip?.dhcpRange?.start),
    rangeEnd: optional(ip?.dhcpRange?.at('end') ?? path, ip?.dhcpRange?.end),
  };
  const none = (): NetworkDraft => {
    const told = optional(given.subnet.path, undefined);
    return { subnet: told, gateway: told, rangeStart: told, rangeEnd: told };
  };
  if (type === 'switch') {
    if (given.subnet.value !== undefined) {
      report.warn(given.subnet, 'a switch has no addresses of its own; this is not used', 'remove it');
    }
    return { ipv4: none(), ipv6: none() };
  }
  const told = { path: ni.at('ipType'), value: ni.ipType };
  const family = ni.ipType === 0 ? parseHostAddress(ip?.subnet ?? '')?.address.family : FAMILIES[ni.ipType];
  if (ni.ipType !== 0 && !family)
    report.refuse(told, 'is not a supported type of addresses', 'use 1 (IPv4) or 2 (IPv6)');
  return family === 6 ? { ipv4: none(), ipv6: given } : { ipv4: given, ipv6: none() };
}

function readRoutes(ni: EveNi, report: Reporter): NetworkInstanceDraft['routes'] {
  return ni.static_routes.flatMap(route => {
    if (!route) return [];
    if (route.gateway === '' && route.port !== '') {
      const remedy = 'add the gateway, or give the network instance this port alone';
      report.warn({ path: route.at('port'), value: route.port }, 'routes by port only are not used yet', remedy);
      return [];
    }
    return [
      {
        destination: optional(route.at('destination_network'), route.destination_network),
        gateway: optional(route.at('gateway'), route.gateway),
      },
    ];
  });
}

function readVpn(
  ni: EveNi,
  type: NetworkInstanceKind | undefined,
  { ipv4, ipv6 }: { ipv4: NetworkDraft; ipv6: NetworkDraft },
  report: Reporter,
): Told<VpnDraft | undefined> {
  const path = ni.cfg?.at('oconfig') ?? below(ni.at('cfg'), 'oconfig');
  if (type !== 'vpn') return { path, value: undefined };
  if (ipv6.subnet.value !== undefined) {
    report.refuse(ipv6.subnet, 'a VPN of EVE knows IPv4 only', 'use an IPv4 subnet, or the native format');
  }
  const own = ipv4.subnet.value === undefined ? null : canonicalCidr(ipv4.subnet.value);
  return { path, value: readOpaqueConfig({ path, value: ni.cfg?.oconfig ?? '' }, own ?? undefined, report) };
}

/** Protobuf knows no difference between an empty text and none. */
function optional(path: string, value: string | undefined): Told<string | undefined> {
  return { path, value: value === '' ? undefined : value };
}
