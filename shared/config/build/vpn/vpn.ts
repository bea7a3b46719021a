import { ignoringMissing, type Reporter } from '../../issue.ts';
import type { NetworkInstance, VpnConfig, VpnTunnel } from '../../model.ts';
import type { TunnelDraft, VpnDraft } from '../../vpn/draft.ts';
import { refuseOverlaps } from './networks.ts';
import { buildTunnel, type TunnelContext } from './tunnel.ts';
import { refuseTwins } from './twins.ts';

/** More are no branch office any more, and charon's lists get long. */
const MAX_TUNNELS = 250;

export interface VpnContext {
  ni: NetworkInstance;
  transitPool: string;
  report: Reporter;
  suggestWord: (word: string) => string | undefined;
  /** Unix milliseconds: certificates expire. */
  now: number;
}

/** A VPN of the model, checked by itself. What is wrong is reported; what comes of it then is not to be used. */
export function buildVpn(draft: VpnDraft, path: string, context: VpnContext): VpnConfig {
  const { report } = context;
  const told = { path, value: undefined };
  if (draft.tunnels.length === 0) report.refuse(told, 'there is no tunnel in it', 'describe at least one');
  if (draft.tunnels.length > MAX_TUNNELS) {
    const reason = `there are more than ${MAX_TUNNELS} tunnels`;
    report.refuse(told, reason, 'use several network instances');
    return { localBreakout: draft.localBreakout, tunnels: [] };
  }
  const pairs: { draft: TunnelDraft; tunnel: VpnTunnel }[] = draft.tunnels.map(one => {
    const own: TunnelContext = one.isPartial ? { ...context, report: ignoringMissing(report) } : context;
    return { draft: one, tunnel: buildTunnel(one, own) };
  });
  refuseTwins(pairs, report);
  refuseOverlaps(pairs, report);
  return { localBreakout: draft.localBreakout, tunnels: pairs.map(({ tunnel }) => tunnel) };
}
