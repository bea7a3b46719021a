import type { NetworkInstanceConfig } from '../../shared/proto/messages.ts';
import { HIGHEST_OWN_MARK, IMPLICIT_ACE, implicitMark, markText } from './mark.ts';
import { type PortMap, portMapKey } from './port-maps.ts';
import { containsPrefix, ofFamily, parsePrefix, withoutLength } from './prefix.ts';
import type { Chain } from './table.ts';
import {
  admitPeers,
  dispatchTunnels,
  exemptTunnels,
  forwardKillSwitch,
  outputKillSwitch,
  tunnelChains,
} from './tunnel-rules.ts';
import { limitDispatch, REFUSE_BY_NI } from './verdict-chains.ts';
import type { Vif } from './vif.ts';
import { hasPortmap } from './vif-chains.ts';

/** What the chains at netfilter's hooks are made from. */
export interface BaseInput {
  ni: NetworkInstanceConfig;
  vifs: readonly Vif[];
  portMaps: readonly PortMap[];
  bridge: string;
  uplink: string;
}

const METADATA_ADDRESS = '169.254.169.254';
/** Broadcast too. */
export const IS_MULTICAST_FRAME = 'ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00';
/** Not tracked by conntrack, so they never have a mark; the kernel itself demands a hop limit of 255. */
const NEIGHBOURS = 'nd-neighbor-solicit, nd-neighbor-advert';
/** What hosts say of the IPv6 groups that they are in. */
export const LISTENERS = 'mld-listener-report, mld-listener-done, mld2-listener-report';
const OWN_MARKS = `1-${HIGHEST_OWN_MARK}`;

/** The base chains of the inet table, and what they enter first. */
export function baseChains(input: BaseInput): Chain[] {
  const uplinked = input.ni.transit !== null;
  return [
    { name: 'receiver', rules: receiver(input) },
    { name: 'from_app', rules: fromApp(input) },
    { name: 'from_uplink', rules: fromUplink(input) },
    { name: 'undecided', rules: undecided(input) },
    { name: 'bridged', rules: bridged(input) },
    ...tunnelChains(input.ni, input.vifs),
    { name: 'prerouting', hook: 'type filter hook prerouting priority mangle; policy drop;', rules: prerouting(input) },
    { name: 'forward', hook: 'type filter hook forward priority filter; policy accept;', rules: forward(input) },
    { name: 'input', hook: 'type filter hook input priority filter; policy drop;', rules: toManager() },
    { name: 'output', hook: 'type filter hook output priority mangle; policy accept;', rules: fromManager(input) },
    ...(uplinked ? natChains(input) : []),
  ];
}

/** Every packet passes here: those of known flows leave at once. */
function prerouting({ vifs, ni, bridge, uplink }: BaseInput): string[] {
  const dispatch = vifs.map(vif => `${vif.mac} : goto vif_${vif.number}`);
  return [
    ...limitDispatch(vifs),
    'ct mark != 0 accept',
    'ct state invalid drop', // would leave without NAT
    `iifname "${bridge}" jump from_app`,
    ...(dispatch.length === 0 ? [] : [`iifname "${bridge}" ether saddr vmap { ${dispatch.join(', ')} }`]),
    ...dispatchTunnels(ni),
    ...(ni.transit === null ? [] : [`iifname "${uplink}" goto from_uplink`]),
    'iifname "lo" accept',
  ];
}

/** What an app may ask of its NI without any ACE. Returns for everything else. */
function fromApp({ ni }: BaseInput): string[] {
  const mark = (ace: number) => markText(implicitMark(0, ace));
  const gateways = [ni.ipv4?.gateway, ni.ipv6?.gateway].filter(address => address !== undefined && address !== '');
  const [gateways4, gateways6] = [ofFamily(gateways as string[], 4), ofFamily(gateways as string[], 6)];
  const services = (dhcp: [string, number], gateway: string) => [
    `${dhcp[0]} . udp . ${dhcp[1]} : ${mark(IMPLICIT_ACE.dhcp)}`,
    `${gateway} . udp . ${dhcp[1]} : ${mark(IMPLICIT_ACE.dhcp)}`,
    `${gateway} . udp . 53 : ${mark(IMPLICIT_ACE.dns)}`,
    `${gateway} . tcp . 53 : ${mark(IMPLICIT_ACE.dns)}`,
  ];
  const services4 = [
    ...gateways4.flatMap(gateway => services(['255.255.255.255', 67], gateway)),
    `${METADATA_ADDRESS} . tcp . 80 : ${mark(IMPLICIT_ACE.metadata)}`,
  ];
  const services6 = gateways6.flatMap(gateway => services(['ff02::1:2', 547], gateway));
  return [
    `ct mark set ip daddr . meta l4proto . th dport map { ${services4.join(', ')} } accept`,
    ...(services6.length === 0
      ? []
      : [`ct mark set ip6 daddr . meta l4proto . th dport map { ${services6.join(', ')} } accept`]),
    `icmpv6 type { nd-router-solicit, ${NEIGHBOURS}, ${LISTENERS} } accept`,
    'icmpv6 type { nd-router-advert, nd-redirect } drop', // only the manager speaks for the router
    `ip protocol igmp ct mark set ${mark(IMPLICIT_ACE.icmp)} accept`,
    ...gateways4.map(
      gateway => `ip daddr ${gateway} icmp type echo-request ct mark set ${mark(IMPLICIT_ACE.icmp)} accept`,
    ),
    `fib daddr . iif type local icmpv6 type echo-request ct mark set ${mark(IMPLICIT_ACE.icmpv6)} accept`,
  ];
}

/** Judges a flow that an app opens by the ACL of the app that it reaches, if it reaches one. Returns when that agrees. */
function receiver({ vifs, ni }: BaseInput): string[] {
  const byMac = vifs.map(vif => `${vif.mac} : goto to_${vif.number}`);
  const byAddress = (family: 4 | 6) =>
    vifs.flatMap(vif => ofFamily(vif.addresses, family).map(address => `${address} : goto to_${vif.number}`));
  return [
    ...(byMac.length === 0 ? [] : [`ether daddr vmap { ${byMac.join(', ')} }`]),
    // A unicast address in a multicast frame would reach every app unjudged.
    `${IS_MULTICAST_FRAME} fib daddr type { broadcast, multicast } return`,
    `${IS_MULTICAST_FRAME} goto overruled`,
    ...vmap('ip daddr', byAddress(4)),
    ...vmap('ip6 daddr', byAddress(6)),
    ...routesOverApps(vifs, ni).map(route => `${route.match} goto to_${route.vif.number}`),
  ];
}

/** From the device (the root namespace): port maps, and what the device itself opens to an app. */
function fromUplink({ ni, vifs, portMaps }: BaseInput): string[] {
  const mapped = (family: 4 | 6) => {
    const elements = portMaps
      .filter(map => map.family === family)
      .map(map => `${portMapKey(map)} : ${markText(map.mark)}`);
    const key = `${family === 4 ? 'ip' : 'ip6'} daddr . meta l4proto . th dport`;
    // Only named here: the ACL is asked in `forward`, where address and port are the app's.
    return elements.length === 0 ? [] : [`ct state new meta mark set ${key} map { ${elements.join(', ')} } accept`];
  };
  const deviceToApp = (family: 4 | 6) => {
    const ip = family === 4 ? 'ip' : 'ip6';
    const peer = (family === 4 ? ni.transit?.peer : ni.transit?.peer6) ?? '';
    const elements = vifs.flatMap(vif =>
      ofFamily(vif.addresses, family).map(
        address => `${address} : ${markText(implicitMark(vif.number, IMPLICIT_ACE.outAll))}`,
      ),
    );
    if (ofFamily([peer], family).length === 0 || elements.length === 0) return [];
    return [`${ip} saddr ${peer} ct mark set ${ip} daddr map { ${elements.join(', ')} } accept`];
  };
  return [
    ...mapped(4),
    ...mapped(6),
    ...deviceToApp(4),
    ...deviceToApp(6),
    ...admitPeers(ni),
    `icmpv6 type { ${NEIGHBOURS} } accept`,
    // What every Linux link says of itself: no flow worth a record.
    `icmpv6 type { nd-router-solicit, nd-router-advert, nd-redirect, ${LISTENERS} } drop`,
    REFUSE_BY_NI,
  ];
}

function forward({ ni, bridge, uplink }: BaseInput): string[] {
  // The device's own end and link-local addresses are not the uplink's networks, whatever the ACL says.
  const notOutside = notForwarded(ni.transit?.peer ?? '').join(', ');
  return [
    ...forwardKillSwitch(ni, bridge, uplink),
    'tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu',
    'ct state established,related,untracked accept',
    ...(ni.transit === null ? [] : [`iifname "${uplink}" oifname "${uplink}" drop`]),
    `ct mark vmap { 0 : goto undecided, ${OWN_MARKS} : drop }`,
    `iifname "${bridge}" oifname "${bridge}" goto bridged`,
    ...(ni.transit === null ? [] : [`oifname "${uplink}" ip daddr { ${notOutside} } goto overruled`]),
    ...(ni.transit?.peer6 ? [`oifname "${uplink}" ip6 daddr ${ni.transit.peer6} goto overruled`] : []),
  ];
}

/** Addresses that an app can't reach over the uplink. */
function notForwarded(peer: string): string[] {
  const linkLocal = parsePrefix('169.254.0.0/16')!;
  const own = parsePrefix(peer);
  return [linkLocal.text, ...(own?.family === 4 && !containsPrefix(linkLocal, own) ? [own.text] : [])];
}

/** Flows through a port map: their ACL is asked here, after DNAT. Nothing else may get this far unjudged. */
function undecided({ vifs, uplink }: BaseInput): string[] {
  const mapped = (family: 4 | 6) =>
    vifs
      .filter(hasPortmap)
      .flatMap(vif => ofFamily(vif.addresses, family).map(address => `${address} : goto mapped_${vif.number}`));
  return [
    ...vmap(`iifname "${uplink}" ct status dnat ip daddr`, mapped(4)),
    ...vmap(`iifname "${uplink}" ct status dnat ip6 daddr`, mapped(6)),
    REFUSE_BY_NI,
  ];
}

/** First packets on their way back to the bridge must have a receiver that was asked (or be multicast). */
function bridged({ vifs, ni }: BaseInput): string[] {
  const addresses = vifs.flatMap(vif => vif.addresses);
  const accept = (match: string, values: string[]) =>
    values.length === 0 ? [] : [`${match} { ${values.join(', ')} } accept`];
  return [
    ...accept(
      'ether daddr',
      vifs.map(vif => vif.mac),
    ),
    `${IS_MULTICAST_FRAME} accept`,
    ...accept('ip daddr', ofFamily(addresses, 4)),
    ...accept('ip6 daddr', ofFamily(addresses, 6)),
    ...routesOverApps(vifs, ni).map(route => `${route.match} accept`),
    'goto overruled',
  ];
}

/** The manager's namespace offers the system services and nothing else; answers carry the mark of what they answer. */
function toManager(): string[] {
  return [
    'iifname "lo" accept',
    `ct mark ${OWN_MARKS} accept`,
    `icmpv6 type { nd-router-solicit, ${NEIGHBOURS}, ${LISTENERS} } accept`,
  ];
}

/** The manager's own flows are marked too, so that their answers need no rule of their own. */
function fromManager({ ni, uplink }: BaseInput): string[] {
  return [...outputKillSwitch(ni, uplink), `ct mark 0 ct mark set ${markText(implicitMark(0, IMPLICIT_ACE.outAll))}`];
}

function natChains({ ni, portMaps, uplink }: BaseInput): Chain[] {
  const transit = ni.transit!;
  const inner = withoutLength(transit.address);
  const inner6 = withoutLength(transit.address6);
  const dnat = (family: 4 | 6) => {
    const ip = family === 4 ? 'ip' : 'ip6';
    const elements = portMaps
      .filter(map => map.family === family)
      .map(map => `${portMapKey(map)} : ${map.to} . ${map.toPort}`);
    if (elements.length === 0) return [];
    const key = `${ip} daddr . meta l4proto . th dport`;
    return [`iifname "${uplink}" meta l4proto { tcp, udp } dnat ${ip} to ${key} map { ${elements.join(', ')} }`];
  };
  return [
    {
      name: 'portmaps',
      hook: 'type nat hook prerouting priority dstnat; policy accept;',
      rules: [...dnat(4), ...dnat(6)],
    },
    {
      name: 'source_nat',
      hook: 'type nat hook postrouting priority srcnat; policy accept;',
      rules: [
        ...exemptTunnels(ni),
        ...(ni.ipv4 ? [`oifname "${uplink}" ip saddr ${ni.ipv4.subnet} snat ip to ${inner}`] : []),
        ...(ni.ipv6 && inner6 ? [`oifname "${uplink}" ip6 saddr ${ni.ipv6.subnet} snat ip6 to ${inner6}`] : []),
      ],
    },
    {
      // After NAT. Answers to the device's own flows go to the device's end of the link and no further.
      name: 'no_private_source',
      hook: 'type filter hook postrouting priority srcnat + 10; policy accept;',
      rules: [
        ...exemptTunnels(ni),
        `oifname "${uplink}" ip saddr != ${inner} ip daddr != ${transit.peer} counter name "leaks" drop`,
        `oifname "${uplink}" ip6 saddr != { ${['fe80::/10', '::', ...(inner6 ? [inner6] : [])].join(', ')} } ${
          transit.peer6 ? `ip6 daddr != ${transit.peer6} ` : ''
        }counter name "leaks" drop`,
      ],
    },
  ];
}

/** Static routes whose next hop is an app: that app is the receiver. The longest prefix first, as in routing. */
function routesOverApps(vifs: readonly Vif[], ni: NetworkInstanceConfig): { match: string; vif: Vif }[] {
  return ni.staticRoutes
    .flatMap(route => {
      const prefix = parsePrefix(route.destination);
      const vif = vifs.find(({ addresses }) => addresses.includes(route.gateway));
      return prefix && vif ? [{ prefix, vif }] : [];
    })
    .sort((a, b) => b.prefix.length - a.prefix.length || (a.prefix.text < b.prefix.text ? -1 : 1))
    .map(({ prefix, vif }) => ({ match: `${prefix.family === 4 ? 'ip' : 'ip6'} daddr ${prefix.text}`, vif }));
}

function vmap(key: string, elements: string[]): string[] {
  return elements.length === 0 ? [] : [`${key} vmap { ${elements.join(', ')} }`];
}
