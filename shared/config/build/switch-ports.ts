import type { NetworkInstanceDraft } from '../draft.ts';
import { reporter } from '../issue.ts';
import type { Issue, NetworkInstance, UplinkConfig } from '../model.ts';
import { uplinksOf } from '../uplinks.ts';

interface User {
  name: string;
  kind: 'routed' | 'switch' | 'multi-port switch';
}

/**
 * Refuses NIs whose uplink is taken: a switch shares its uplink with no other switch, and one of several ports with nobody at all.
 * The first NI in the document keeps the uplink.
 */
export function refuseSharedSwitchPorts(
  pairs: { draft: NetworkInstanceDraft; ni: NetworkInstance }[],
  uplinks: readonly UplinkConfig[],
  issues: Issue[],
): void {
  /** First user of each kind: more are not needed to find a conflict. */
  const users = new Map<string, User[]>();
  for (const { draft, ni } of pairs) {
    if (!ni.activate || ni.issues.length > 0) continue;
    const ports = uplinksOf(ni.port, uplinks);
    const kind = ni.type !== 'switch' ? 'routed' : ports.length > 1 ? 'multi-port switch' : 'switch';
    const conflict = ports
      .flatMap(port => (users.get(port.interface) ?? []).map(user => ({ user, port })))
      .find(({ user }) => excludes(user.kind, kind));
    if (conflict) {
      const reason = `uplink ${conflict.port.label} is already used by network instance ${conflict.user.name}`;
      const remedy = 'a switch shares its uplink with no other switch: use another uplink for one of them';
      reporter('ni', issues, ni.issues).refuse(draft.port, reason, remedy);
      continue;
    }
    for (const port of ports) {
      const here = users.get(port.interface) ?? [];
      if (!here.some(user => user.kind === kind)) users.set(port.interface, [...here, { name: ni.name, kind }]);
    }
  }
}

function excludes(a: User['kind'], b: User['kind']): boolean {
  if (a === 'multi-port switch' || b === 'multi-port switch') return true;
  return a === 'switch' && b === 'switch';
}
