import { IS_MULTICAST_FRAME, LISTENERS } from '../base-chains.ts';
import type { Chain } from '../table.ts';
import { AS_RECEIVER, countDenied, IS_DROP, limitChains, recordChain, settleBy } from '../verdict-chains.ts';
import type { Vif } from '../vif.ts';

/** Counts frames that no ACL speaks of: another's MAC, a VLAN tag, neither IP nor ARP. */
export const STRANGE_COUNTER = 'strange';

/** What follows once an ACL has decided on a packet; the packet's mark carries the decision. */
export function switchVerdicts(vifs: readonly Vif[], flowLog: boolean): Chain[] {
  const settle = settleBy('meta mark', vifs);
  return [
    ...limitChains(vifs),
    recordChain(),
    { name: 'strange', rules: [`counter name "${STRANGE_COUNTER}" drop`] },
    { name: 'denied', rules: [...countDenied(vifs), 'goto record'] },
    { name: 'refused', rules: [...countDenied(vifs), ...(flowLog ? [AS_RECEIVER, 'goto record'] : ['drop'])] },
    // What the network tells everybody is no flow that somebody tried to open to this app.
    { name: 'unasked', rules: [`${IS_MULTICAST_FRAME} drop`, 'goto refused'] },
    { name: 'send', rules: [`${IS_DROP} denied`, ...settle] },
    { name: 'deliver', rules: [`${IS_DROP} refused`, ...settle] },
  ];
}

/** What passes without an ACE beside ARP and neighbour discovery. The chains return for everything else. */
export function answerChains(): Chain[] {
  return [
    {
      name: 'from_app4',
      rules: [
        'udp sport 68 udp dport 67 accept',
        'igmp type { membership-report-v1, membership-report-v2, membership-report-v3, leave-group } accept',
      ],
    },
    {
      name: 'from_app6',
      rules: [`icmpv6 type { nd-router-solicit, ${LISTENERS} } accept`, 'udp sport 546 udp dport 547 accept'],
    },
    {
      name: 'to_app4',
      rules: [
        'igmp type membership-query accept',
        // Errors about what the app sent come from any router: without them the path's MTU is never found.
        'icmp type { destination-unreachable, time-exceeded, parameter-problem } accept',
      ],
    },
    {
      name: 'to_app6',
      rules: [
        'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-redirect, mld-listener-query } accept',
        'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept',
        'udp sport 547 udp dport 546 accept',
      ],
    },
  ];
}
