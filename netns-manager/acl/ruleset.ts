import type { AppInterfaceConfig, NetworkInstanceConfig } from '../../shared/proto/messages.ts';
import { aceDomain, eidSetName } from './ace-boxes.ts';
import { baseChains } from './base-chains.ts';
import { domainCovers, hostSetName, normalizeDomain } from './host-set.ts';
import { portMaps } from './port-maps.ts';
import { type Family, ofFamily } from './prefix.ts';
import { type NamedSet, type Ruleset, TABLE_NAME, type Table } from './table.ts';
import { TUNNEL_COUNTER } from './tunnel-rules.ts';
import { DENIED_COUNTER, deniedSets, LIMITED_COUNTER, verdictChains, verdictSets } from './verdict-chains.ts';
import { aceCounter, defaultCounter, type Vif, vifsOf } from './vif.ts';
import { vifChains } from './vif-chains.ts';

/** What the firewall of a local NI follows from. */
export interface RulesetInput {
  ni: NetworkInstanceConfig;
  /** In any order. */
  vifs: readonly AppInterfaceConfig[];
  /** Names whose addresses are known without asking (static DNS entries, the NI's apps), for host ACEs. */
  hostAddresses: ReadonlyMap<string, readonly string[]>;
  /** Interface names in the NI's namespace. */
  bridge: string;
  uplinkDevice: string;
}

/** Renders the ruleset of a local NI's namespace; the same input gives the same text. */
export function renderRuleset(input: RulesetInput): Ruleset {
  const vifs = vifsOf(input.vifs);
  const maps = portMaps(vifs, input.ni.transit);
  const acls = vifs.map(vif => vifChains(vif, input.ni.vpn !== null));
  const inet: Table = {
    family: 'inet',
    name: TABLE_NAME,
    counters: [
      DENIED_COUNTER,
      LIMITED_COUNTER,
      'leaks',
      ...(input.ni.vpn ? [TUNNEL_COUNTER] : []),
      ...vifs.flatMap(vif => [...vif.acl.map(ace => aceCounter(vif.number, ace.id)), defaultCounter(vif.number)]),
    ],
    sets: [...renderSets(input), ...deniedSets(), ...verdictSets(vifs), ...acls.flatMap(acl => acl.maps)],
    chains: [
      ...verdictChains(vifs, input.ni.flowLog),
      ...acls.flatMap(acl => acl.chains),
      ...baseChains({ ni: input.ni, vifs, portMaps: maps, bridge: input.bridge, uplink: input.uplinkDevice }),
    ],
  };
  return { tables: [inet, bridgeTable()] };
}

/**
 * The inet hooks see bare IPv4 and IPv6 frames only. Others (VLAN tags, PPPoE, own EtherTypes) would pass between apps unjudged.
 */
function bridgeTable(): Table {
  return {
    family: 'bridge',
    name: TABLE_NAME,
    counters: [],
    sets: [],
    chains: [
      {
        name: 'forward',
        hook: 'type filter hook forward priority -300; policy drop;',
        rules: ['ether type { ip, ip6, arp } accept'],
      },
    ],
  };
}

/** The sets of addresses that ACEs refer to, with the elements that the manager itself puts in. */
export function renderSets(input: RulesetInput): NamedSet[] {
  const vifs = vifsOf(input.vifs);
  return [...eidSets(input, vifs), ...hostSets(input, vifs)];
}

function eidSets({ ni }: RulesetInput, vifs: readonly Vif[]): NamedSet[] {
  const addresses = [...vifs.flatMap(vif => vif.addresses), ...ni.dnsHosts.flatMap(host => host.addresses)];
  return ([4, 6] as const).map(family => addressSet(eidSetName(family), family, addresses, false));
}

function hostSets({ hostAddresses }: RulesetInput, vifs: readonly Vif[]): NamedSet[] {
  const domains = new Set(
    vifs
      .flatMap(vif => vif.acl.map(aceDomain))
      .filter(domain => domain !== null)
      .map(normalizeDomain),
  );
  return [...domains].sort().flatMap(domain => {
    const known = [...hostAddresses].flatMap(([name, addresses]) => (domainCovers(domain, name) ? addresses : []));
    return ([4, 6] as const).map(family => addressSet(hostSetName(domain, family), family, known, true));
  });
}

function addressSet(name: string, family: Family, addresses: readonly string[], dynamic: boolean): NamedSet {
  const elements = [...new Set(ofFamily(addresses, family))].sort();
  return { name, definition: [`type ipv${family}_addr`], elements, dynamic };
}
