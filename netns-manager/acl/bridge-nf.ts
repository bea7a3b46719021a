import { AceAction } from '../../shared/proto/messages.ts';
import { aceBoxes } from './ace-boxes.ts';
import type { Box } from './box.ts';
import type { RulesetInput } from './ruleset.ts';

/**
 * Whether bridged frames must pass the firewall (net.bridge.bridge-nf-call-*). Not when every VIF allows everything, both ways
 * and in both families, before anything else; but the flow log has to see them all the same.
 */
export function needsBridgeNf({ ni, vifs }: Pick<RulesetInput, 'ni' | 'vifs'>): boolean {
  if (vifs.length === 0) return false;
  return ni.flowLog || !vifs.every(vif => allowsEverything(vif.vifNumber, vif.acl));
}

function allowsEverything(vif: number, acl: RulesetInput['vifs'][number]['acl']): boolean {
  return ([4, 6] as const).every(family =>
    (['outbound', 'inbound'] as const).every(sense => {
      const first = acl.find(ace => aceBoxes(vif, ace, family, sense).length > 0);
      return first?.action === AceAction.ALLOW && aceBoxes(vif, first, family, sense).some(isUnrestricted);
    }),
  );
}

function isUnrestricted(box: Box): boolean {
  const { remote, sets, protocol, source, destination, portmap } = box;
  return sets.length === 0 && [remote, protocol, source, destination, portmap].every(field => field === null);
}
