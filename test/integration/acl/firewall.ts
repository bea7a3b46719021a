import { type Applied, applyRuleset } from '../../../netns-manager/acl/apply.ts';
import { readCounters, readDenied } from '../../../netns-manager/acl/observe.ts';
import { type RulesetInput, renderRuleset } from '../../../netns-manager/acl/ruleset.ts';
import type { Ruleset } from '../../../netns-manager/acl/table.ts';
import type { Ace } from '../../../shared/proto/messages.ts';
import { appVif, ni, type World } from './world.ts';

/** ACLs of app 1, 2, ... */
export type Acls = readonly (readonly Ace[])[];

/** The input for a world whose apps have these ACLs. */
export function inputOf(acls: Acls, given: Partial<RulesetInput> = {}): RulesetInput {
  return {
    ni,
    vifs: acls.map((acl, index) => appVif(index + 1, [...acl])),
    hostAddresses: new Map([['www.host.example', ['198.51.100.20', '2001:db8:b::20']]]),
    bridge: 'br',
    uplinkDevice: 'uplink',
    ...given,
  };
}

/** The firewall of a world, loaded as the manager does it: what was loaded last is remembered. */
export class Firewall {
  readonly #world: World;
  #present: Ruleset | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  async load(input: RulesetInput): Promise<Applied> {
    const wanted = renderRuleset(input);
    const applied = await applyRuleset(wanted, this.#present, this.#world.nft);
    this.#present = wanted;
    return applied;
  }

  /** Packets per ACE as `VIF/ACE`, those that are 0 left out. */
  async counts(): Promise<Record<string, number>> {
    const { aces } = await readCounters(this.#world.nft);
    return Object.fromEntries(
      aces.filter(({ packets }) => packets > 0).map(({ vif, ace, packets }) => [`${vif}/${ace}`, packets]),
    );
  }

  denied() {
    return readDenied(
      [1, 2, 3].map(n => appVif(n)),
      this.#world.nft,
    );
  }

  /** Forgets all connections, denied flows and counts. */
  async forget(): Promise<void> {
    await this.#world.exec('ni', 'conntrack', '-F');
    const reset = ['denied4', 'denied6'].map(name => `flush set inet nibox ${name}\n`).join('');
    await this.#world.nft(['-f', '-'], reset);
    await this.#world.nft(['reset', 'counters', 'table', 'inet', 'nibox']);
  }
}
