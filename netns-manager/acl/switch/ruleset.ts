import { learntSets } from '../../learn/rules.ts';
import type { RulesetInput } from '../ruleset.ts';
import { type Ruleset, TABLE_NAME } from '../table.ts';
import { DENIED_COUNTER, deniedSets, LIMITED_COUNTER, verdictSets } from '../verdict-chains.ts';
import { aceCounter, defaultCounter, vifsOf } from '../vif.ts';
import { switchBaseChains } from './base-chains.ts';
import { answerChains, STRANGE_COUNTER, switchVerdicts } from './verdicts.ts';
import { switchVifChains } from './vif-chains.ts';

/**
 * Renders the ruleset of a switch: one bridge table, in which every frame from an app is judged where it comes in (prerouting) and
 * every frame to an app where it goes out (forward). Without connections: each packet by itself, both ways.
 */
export function renderSwitchRuleset({ ni, vifs: configs }: RulesetInput): Ruleset {
  const vifs = vifsOf(configs);
  const acls = vifs.map(switchVifChains);
  return {
    tables: [
      {
        family: 'bridge',
        name: TABLE_NAME,
        counters: [
          DENIED_COUNTER,
          LIMITED_COUNTER,
          STRANGE_COUNTER,
          ...vifs.flatMap(vif => [...vif.acl.map(ace => aceCounter(vif.number, ace.id)), defaultCounter(vif.number)]),
        ],
        sets: [...deniedSets(), ...learntSets(), ...verdictSets(vifs), ...acls.flatMap(acl => acl.maps)],
        chains: [
          ...switchVerdicts(vifs, ni.flowLog),
          ...answerChains(),
          ...acls.flatMap(acl => acl.chains),
          ...switchBaseChains(ni.ports, vifs),
        ],
      },
    ],
  };
}
