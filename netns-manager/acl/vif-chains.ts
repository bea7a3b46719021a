import { AceAction } from '../../shared/proto/messages.ts';
import { aceBoxes } from './ace-boxes.ts';
import { defaultDropMark, markText } from './mark.ts';
import { matchRules } from './match-rules.ts';
import { type Family, ofFamily } from './prefix.ts';
import type { Chain, NamedSet } from './table.ts';
import type { Vif } from './vif.ts';

const FAMILIES: readonly Family[] = [4, 6];
const NFPROTO = { 4: 'ipv4', 6: 'ipv6' } as const;
const DADDR = { 4: 'ip daddr', 6: 'ip6 daddr' } as const;

/**
 * A VIF's ACL, once for each sense in which it is read:
 *
 *     vif_N     -> out4_N / out6_N     what the app opens            -> allow
 *     to_N      -> in4_N / in6_N       what another app opens to it  -> agree
 *     mapped_N  -> map4_N / map6_N     what its port maps let in     -> enter
 *     tunnel_N  -> tun4_N / tun6_N     what comes out of a tunnel    -> enter
 *
 * The packet's mark becomes that of the ACE that matches, or of the default drop. On its way into mapped_N it names the port map.
 */
export function vifChains(vif: Vif, hasTunnels = false): { chains: Chain[]; maps: NamedSet[] } {
  const maps = new Map<string, NamedSet>();
  const byDefault = `meta mark set ${markText(defaultDropMark(vif.number))}`;
  const toItself = FAMILIES.flatMap(family => {
    const own = ofFamily(vif.addresses, family);
    return own.length === 0 ? [] : [`${DADDR[family]} ${own[0]} goto denied`];
  });
  const chains = [
    ...sense(`vif_${vif.number}`, 'out', 'outbound', 'allow', 'denied', [
      `${byDefault} comment "${vif.label}"`,
      ...toItself,
      'fib daddr type local goto denied',
    ]),
    ...sense(`to_${vif.number}`, 'in', 'inbound', 'agree', 'refused', [byDefault]),
    ...(hasPortmap(vif) ? sense(`mapped_${vif.number}`, 'map', 'mapped', 'enter', 'refused', []) : []),
    ...(hasTunnels ? sense(`tunnel_${vif.number}`, 'tun', 'inbound', 'enter', 'refused', [byDefault]) : []),
  ];
  return { chains, maps: [...maps.values()] };

  function sense(
    entry: string,
    prefix: string,
    how: 'outbound' | 'inbound' | 'mapped',
    next: string,
    otherwise: string,
    first: string[],
  ): Chain[] {
    const perFamily = FAMILIES.map(family => {
      const { rules, maps: needed } = matchRules(vif.number, vif.acl, family, how, next);
      // Two senses may look things up in the same ones.
      for (const map of needed) maps.set(map.name, map);
      return { family, name: `${prefix}${family}_${vif.number}`, rules };
    }).filter(chain => chain.rules.length > 0);
    const close = how === 'mapped' ? [byDefault, `goto ${otherwise}`] : [`goto ${otherwise}`];
    // goto, not jump: `agree` must return to the sender's chain, not here.
    const dispatch = perFamily.map(chain => `${NFPROTO[chain.family]} : goto ${chain.name}`).join(', ');
    return [
      ...perFamily.map(chain => ({ name: chain.name, rules: [...chain.rules, ...close] })),
      {
        name: entry,
        rules: [...first, ...(dispatch ? [`meta nfproto vmap { ${dispatch} }`] : []), ...close],
        isGate: true,
      },
    ];
  }
}

/** Whether the VIF has a port map, so that a chain `mapped_N` exists. */
export function hasPortmap(vif: Vif): boolean {
  return vif.acl.some(
    ace =>
      ace.action === AceAction.PORTMAP &&
      FAMILIES.some(family => aceBoxes(vif.number, ace, family, 'mapped').length > 0),
  );
}
