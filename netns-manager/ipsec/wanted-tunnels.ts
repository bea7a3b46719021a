import type { VpnCredentials, VpnTunnel } from '../../shared/proto/messages.ts';
import type { Backend } from './backend.ts';
import { type RenderedTunnel, remoteId, renderTunnel } from './connections.ts';
import type { TunnelDevice } from './tunnel-device.ts';
import { TunnelError } from './tunnel-error.ts';

export interface IpsecWanted {
  tunnels: VpnTunnel[];
  /** By tunnel name. */
  credentials: ReadonlyMap<string, VpnCredentials>;
  /** From which IKE calls and at which it is called; empty: any. */
  localAddress: string;
}

/** A tunnel as it is wanted; `rendered` is null when it can't be rendered, for the reason given. */
export interface WantedTunnel {
  tunnel: VpnTunnel;
  rendered: RenderedTunnel | null;
  reason: string;
}

/** Pure: what charon is to be told of each tunnel, or why it can't be told. */
export function renderWanted(
  { tunnels, credentials, localAddress }: IpsecWanted,
  backend: Backend,
  deviceOf: (tunnel: VpnTunnel) => TunnelDevice,
): WantedTunnel[] {
  return tunnels.map(tunnel => {
    const interfaceId = deviceOf(tunnel).xfrmId ?? 0;
    try {
      checkRoutable(tunnel, interfaceId, backend, tunnels.length);
      const isTwin = tunnels.some(other => other !== tunnel && !other.server && remoteId(other) === remoteId(tunnel));
      const given = credentials.get(tunnel.name) ?? null;
      const rendered = renderTunnel({ tunnel, credentials: given, localAddress, backend, interfaceId, isTwin });
      return { tunnel, rendered, reason: '' };
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      return { tunnel, rendered: null, reason: error.message };
    }
  });
}

/** Without an interface of its own a route-based tunnel would take the packets of all others. */
function checkRoutable({ name, routeBased }: VpnTunnel, interfaceId: number, backend: Backend, count: number): void {
  if (!routeBased || interfaceId !== 0 || (backend === 'kernel-libipsec' && count === 1)) return;
  throw new TunnelError(name, 'mode route needs a kernel with ESP and xfrm interfaces: use mode policy');
}
