import type { NetworkInstanceDraft } from '../../draft.ts';
import { reporter } from '../../issue.ts';
import type { Issue, NetworkInstance, UplinkConfig, VpnTunnel } from '../../model.ts';
import { uplinksOf } from '../../uplinks.ts';

/**
 * Warns of tunnels by which the same gateway is called by the same name: many gateways take the second call for the first caller
 * that came back, and drop the first one's tunnel.
 */
export function warnOfSameCallers(
  pairs: readonly { draft: NetworkInstanceDraft; ni: NetworkInstance }[],
  uplinks: readonly UplinkConfig[],
  issues: Issue[],
): void {
  const callers = new Map<string, string>();
  for (const { draft, ni } of pairs) {
    if (!ni.activate || ni.issues.length > 0) continue;
    const ports = uplinksOf(ni.port, uplinks);
    for (const [index, tunnel] of (ni.vpn?.tunnels ?? []).entries()) {
      if (tunnel.role !== 'client') continue;
      const keys = ports.map(port => JSON.stringify([tunnel.remoteGateway, identityOf(tunnel, port)]));
      const other = keys.map(key => callers.get(key)).find(name => name !== undefined);
      for (const key of keys) callers.set(key, `tunnel ${tunnel.name} of ${ni.name}`);
      if (other === undefined) continue;
      const { localId } = draft.vpn.value!.tunnels[index]!;
      const told = { path: localId.path, value: localId.value };
      const remedy = 'give each its own localId, or write the networks of both into one tunnel';
      reporter('ni', issues).warn(told, `${other} calls the same gateway by the same name`, remedy);
    }
  }
}

/** Who the gateway thinks is calling. */
function identityOf({ localId, auth }: VpnTunnel, port: UplinkConfig): string {
  return localId || (auth.kind === 'psk' ? port.interface : auth.certificate);
}
