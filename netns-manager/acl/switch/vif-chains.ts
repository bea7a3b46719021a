import { learnArp, learnLease, learnNd } from '../../learn/rules.ts';
import { defaultDropMark, markText } from '../mark.ts';
import { matchRules } from '../match-rules.ts';
import type { Chain, NamedSet } from '../table.ts';
import type { Vif } from '../vif.ts';
import { infrastructureGuards } from './guards.ts';

/** Requests and answers of Ethernet and IPv4. */
const ARP = 'arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp operation { request, reply }';

/**
 * A VIF's ACL on a switch:
 *
 *     vif_N -> arp_N, nd_N              what the app says of its addresses: learnt
 *           -> out4_N / out6_N          what it sends                      -> send
 *     to_N  -> in4_N / in6_N            what reaches it                    -> deliver
 *              in4_N -> dhcp_N          what it is given by DHCP: learnt
 *
 * The packet's mark becomes that of the ACE that matches, or of the default drop.
 */
export function switchVifChains(vif: Vif): { chains: Chain[]; maps: NamedSet[] } {
  const { number, acl } = vif;
  const byDefault = `meta mark set ${markText(defaultDropMark(number))}`;
  const out4 = matchRules(number, acl, 4, 'outbound', 'send');
  const out6 = matchRules(number, acl, 6, 'outbound', 'send');
  const in4 = matchRules(number, acl, 4, 'received', 'deliver');
  const in6 = matchRules(number, acl, 6, 'received', 'deliver');
  const chains: Chain[] = [
    {
      name: `arp_${number}`,
      rules: [
        `arp saddr ether != ${vif.mac} goto strange`,
        ...learnArp().map(rule => `${ARP} ${rule}`),
        `${ARP} accept`,
        'goto strange',
      ],
    },
    { name: `nd_${number}`, rules: [...learnNd(), 'accept'] },
    { name: `dhcp_${number}`, rules: [...learnLease(vif), 'accept'] },
    {
      name: `out4_${number}`,
      rules: ['jump from_app4', ...infrastructureGuards(acl, 4), ...out4.rules, 'goto denied'],
    },
    {
      name: `out6_${number}`,
      rules: [
        `icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } goto nd_${number}`,
        'jump from_app6',
        ...infrastructureGuards(acl, 6),
        ...out6.rules,
        'goto denied',
      ],
    },
    {
      name: `in4_${number}`,
      rules: [`udp sport 67 udp dport 68 goto dhcp_${number}`, 'jump to_app4', ...in4.rules, 'goto unasked'],
    },
    {
      name: `in6_${number}`,
      rules: ['jump to_app6', ...in6.rules, 'goto unasked'],
    },
    {
      name: `vif_${number}`,
      rules: [
        `${byDefault} comment "${vif.label}"`,
        `ether type vmap { arp : goto arp_${number}, ip : goto out4_${number}, ip6 : goto out6_${number} }`,
        'goto strange',
      ],
      isGate: true,
    },
    {
      name: `to_${number}`,
      rules: [
        byDefault,
        `ether type vmap { arp : accept, ip : goto in4_${number}, ip6 : goto in6_${number} }`,
        'drop', // spanning tree, LLDP, tagged frames: of the network, not for an app
      ],
      isGate: true,
    },
  ];
  return { chains, maps: [out4, out6, in4, in6].flatMap(({ maps }) => maps) };
}
