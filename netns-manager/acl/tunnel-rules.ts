import type { NetworkInstanceConfig } from '../../shared/proto/messages.ts';
import { tunnelMtu } from '../tunnels/mtu.ts';
import { IMPLICIT_ACE, implicitMark, markText } from './mark.ts';
import { containsPrefix, type Family, ofFamily, type Prefix, parsePrefix } from './prefix.ts';
import type { Chain } from './table.ts';
import { REFUSE_BY_NI } from './verdict-chains.ts';
import type { Vif } from './vif.ts';

/**
 * The firewall of a VPN NI's tunnels. Whatever does ESP, a packet is inside a tunnel when its device is called `ipsec*` (user-space
 * ESP, or an xfrm interface) or when the kernel's policies have it (`ipsec exists`).
 *
 *     app -> br -> forward: for a tunnel's remote networks, and by default for anything, no way out but a tunnel
 *     tunnel -> from_tunnel -> tunnel_N: a flow that the other side opens is judged by the ACL of the app it is for
 */

/** Packets that found no tunnel and were dropped. */
export const TUNNEL_COUNTER = 'no_tunnel';
const TUNNEL_DEVICES = '"ipsec*"';
/** Only charon can bind them in here. */
const IKE_PORTS = '{ 500, 4500 }';

/** Of IP and TCP without options, bytes. */
const HEADERS = [
  ['ipv4', 40],
  ['ipv6', 60],
] as const;

/** The networks behind the tunnels, without those that lie in others: as elements of one set. */
export function remoteNetworks({ vpn }: NetworkInstanceConfig, family: Family): string[] {
  const prefixes = (vpn?.tunnels ?? [])
    .flatMap(tunnel => tunnel.remoteSubnets)
    .map(parsePrefix)
    .filter((prefix): prefix is Prefix => prefix?.family === family)
    .sort((a, b) => a.length - b.length);
  const kept: Prefix[] = [];
  for (const prefix of prefixes) if (!kept.some(outer => containsPrefix(outer, prefix))) kept.push(prefix);
  return kept.map(({ text }) => text);
}

/** Rules that go before all others in `forward`: established flows too must not leave in clear. */
export function forwardKillSwitch(ni: NetworkInstanceConfig, bridge: string, uplink: string): string[] {
  if (!ni.vpn) return [];
  const outside = `oifname "${uplink}" rt ipsec missing`;
  return [
    ...toRemote(ni).map(match => `${outside} ${match} counter name "${TUNNEL_COUNTER}" drop`),
    // Answers go back to where a port map or the device asked from.
    ...(ni.vpn.localBreakout ? [] : [`iifname "${bridge}" ${outside} ct direction original goto no_breakout`]),
    'tcp flags & (syn | rst) == syn jump segments',
  ];
}

/** What `forwardKillSwitch` jumps to. */
export function tunnelChains(ni: NetworkInstanceConfig, vifs: readonly Vif[]): Chain[] {
  if (!ni.vpn) return [];
  return [
    {
      name: 'no_breakout',
      rules: [`ct state established,related counter name "${TUNNEL_COUNTER}" drop`, 'goto overruled'],
    },
    { name: 'from_tunnel', rules: fromTunnel(ni, vifs) },
    {
      // Both ways: the segments that come in must fit too.
      name: 'segments',
      rules: [`iifname ${TUNNEL_DEVICES}`, 'meta ipsec exists', `oifname ${TUNNEL_DEVICES}`, 'rt ipsec exists'].map(
        where => `${where} goto clamp`,
      ),
    },
    {
      name: 'clamp',
      rules: HEADERS.map(
        ([family, size]) => `meta nfproto ${family} tcp option maxseg size set ${tunnelMtu(ni) - size}`,
      ),
    },
  ];
}

/** What comes out of a tunnel without belonging to a known flow. Goes before what comes from the uplink itself. */
export function dispatchTunnels(ni: NetworkInstanceConfig): string[] {
  return ni.vpn ? [`iifname ${TUNNEL_DEVICES} goto from_tunnel`, 'meta ipsec exists goto from_tunnel'] : [];
}

/** Lets peers call, where a tunnel waits for them. */
export function admitPeers(ni: NetworkInstanceConfig): string[] {
  if (!ni.vpn?.tunnels.some(tunnel => tunnel.server)) return [];
  return [`udp dport ${IKE_PORTS} ct mark set ${markText(implicitMark(0, IMPLICIT_ACE.vpn))} accept`];
}

/** The NI's own packets (DNS queries, answers to pings) leave for a remote network by a tunnel or not at all. */
export function outputKillSwitch(ni: NetworkInstanceConfig, uplink: string): string[] {
  if (!ni.vpn) return [];
  const outside = `oifname "${uplink}" rt ipsec missing udp sport != ${IKE_PORTS} meta l4proto != esp`;
  // A packet of another protocol has no UDP source port: it needs a rule of its own.
  const others = `oifname "${uplink}" rt ipsec missing meta l4proto != { udp, esp }`;
  return toRemote(ni).flatMap(match =>
    [outside, others].map(what => `${what} ${match} counter name "${TUNNEL_COUNTER}" drop`),
  );
}

/** Goes before NAT and the filter that follows it: inside a tunnel the app's own address is meant to be seen. */
export function exemptTunnels(ni: NetworkInstanceConfig): string[] {
  return ni.vpn ? [`oifname ${TUNNEL_DEVICES} accept`, 'rt ipsec exists accept'] : [];
}

function toRemote(ni: NetworkInstanceConfig): string[] {
  return ([4, 6] as const).flatMap(family => {
    const networks = remoteNetworks(ni, family);
    return networks.length === 0 ? [] : [`${family === 4 ? 'ip' : 'ip6'} daddr { ${networks.join(', ')} }`];
  });
}

function fromTunnel(ni: NetworkInstanceConfig, vifs: readonly Vif[]): string[] {
  const icmp = markText(implicitMark(0, IMPLICIT_ACE.icmp));
  return ([4, 6] as const)
    .flatMap(family => {
      const [ip, echo] = family === 4 ? ['ip', 'icmp'] : ['ip6', 'icmpv6'];
      const networks = remoteNetworks(ni, family);
      if (networks.length === 0) return [];
      const gateways = ofFamily([(family === 4 ? ni.ipv4 : ni.ipv6)?.gateway ?? ''], family);
      const apps = vifs.flatMap(vif =>
        ofFamily(vif.addresses, family).map(address => `${address} : goto tunnel_${vif.number}`),
      );
      return [
        `${ip} saddr != { ${networks.join(', ')} } ${REFUSE_BY_NI}`,
        ...gateways.map(gateway => `${ip} daddr ${gateway} ${echo} type echo-request ct mark set ${icmp} accept`),
        ...(apps.length === 0 ? [] : [`${ip} daddr vmap { ${apps.join(', ')} }`]),
      ];
    })
    .concat(REFUSE_BY_NI);
}
