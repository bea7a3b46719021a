import { hidden, type Reporter, type Told } from '../../issue.ts';
import type { VpnTunnel } from '../../model.ts';
import type { TunnelDraft } from '../../vpn/draft.ts';
import { ANY } from './tunnel.ts';

/** Refuses tunnels that can't be told apart: of one name, or servers of whom none knows who is calling. */
export function refuseTwins(pairs: readonly { draft: TunnelDraft; tunnel: VpnTunnel }[], report: Reporter): void {
  const names = new Map<string, string>();
  const callers = new Map<string, string>();
  let ikev1Psk: string | undefined;
  for (const { draft, tunnel } of pairs) {
    if (names.has(tunnel.name)) {
      report.refuse(draft.name, 'another tunnel of this network instance has this name', 'give each its own name');
    }
    names.set(tunnel.name, tunnel.name);
    if (tunnel.role !== 'server') continue;
    const { remoteGateway, remoteId, auth } = tunnel;
    const told: Told<unknown> = draft.remoteId.value === undefined ? draft.remoteGateway : draft.remoteId;
    const caller = JSON.stringify([remoteGateway, remoteId]);
    const twin = callers.get(caller);
    if (twin !== undefined) {
      const remedy = `set remoteId in both, or write the networks of both into one tunnel`;
      report.refuse(told, `who calls can't be told apart from who calls tunnel ${twin}`, remedy);
    }
    callers.set(caller, tunnel.name);
    if (tunnel.ikeVersion !== 1 || remoteGateway !== ANY || auth.kind !== 'psk') continue;
    // In IKEv1 the key is needed before the caller has said who it is.
    if (ikev1Psk !== undefined && ikev1Psk !== auth.secret) {
      const reason = `with IKEv1 all tunnels for callers from anywhere have the same psk`;
      report.refuse(hidden(draft.psk), reason, 'use ikeVersion 2, or remoteGateway');
    }
    ikev1Psk ??= auth.secret;
  }
}
