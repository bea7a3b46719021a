import type { NetworkInstanceDraft } from '../../draft.ts';
import { reporter } from '../../issue.ts';
import type { Issue, NetworkInstance, UplinkConfig } from '../../model.ts';
import { uplinksOf } from '../../uplinks.ts';

/**
 * Refuses a network instance that wants to be called on an uplink where another one is called: there is one set of IKE's ports.
 * The first one in the document keeps them. Gives who is called, by the interface of the uplink.
 */
export function assignServers(
  pairs: readonly { draft: NetworkInstanceDraft; ni: NetworkInstance }[],
  uplinks: readonly UplinkConfig[],
  issues: Issue[],
): Map<string, string> {
  const called = new Map<string, string>();
  for (const { draft, ni } of pairs) {
    if (!ni.activate || ni.issues.length > 0) continue;
    if (!ni.vpn?.tunnels.some(({ role }) => role === 'server')) continue;
    const ports = uplinksOf(ni.port, uplinks);
    const taken = ports.find(port => called.has(port.interface));
    if (taken) {
      const told = { path: draft.port.path, value: draft.port.value };
      const reason = `network instance ${called.get(taken.interface)} is already called at UDP ports 500 and 4500 of uplink ${taken.label}`;
      const remedy = 'use another uplink for one of them, or let one network instance have the tunnels of both';
      reporter('ni', issues, ni.issues).refuse(told, reason, remedy);
      continue;
    }
    for (const port of ports) called.set(port.interface, ni.name);
  }
  return called;
}
