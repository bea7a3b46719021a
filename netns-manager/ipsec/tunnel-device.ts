import { sha256 } from '../../shared/digest.ts';
import type { VpnTunnel } from '../../shared/proto/messages.ts';
import { UPLINK } from '../intent.ts';
import { type Backend, TUN_DEVICE } from './backend.ts';

/** Through which device a tunnel's traffic is routed. */
export interface TunnelDevice {
  name: string;
  /** Of an xfrm interface that somebody has to make; absent: the device comes from elsewhere. */
  xfrmId?: number;
}

/**
 * Pure. With kernel-libipsec all tunnels share charon's TUN device. With the kernel's ESP a route-based tunnel has an xfrm
 * interface, if the kernel has such; for others policies take the packets on their way to the uplink.
 */
export function tunnelDevice(tunnel: VpnTunnel, backend: Backend, hasXfrmInterfaces: boolean): TunnelDevice {
  if (backend === 'kernel-libipsec') return { name: TUN_DEVICE };
  if (!tunnel.routeBased || !hasXfrmInterfaces) return { name: UPLINK };
  const xfrmId = interfaceId(tunnel.name);
  return { name: `ipsec${xfrmId.toString(16).padStart(8, '0')}`, xfrmId };
}

/** From the name, so that it stays whatever becomes of other tunnels; 0 would mean none. */
function interfaceId(name: string): number {
  return Number.parseInt(sha256(name).slice(0, 8), 16) || 1;
}
