import { createHmac } from 'node:crypto';
import type { NetworkInstance, VpnTunnel } from '../../shared/config/model.ts';
import {
  codecs,
  type Vpn,
  VpnAuth,
  type VpnCredentials,
  type VpnTunnel as WireTunnel,
} from '../../shared/proto/messages.ts';

export interface VpnContext {
  /** The uplink's IPv4 address: others know this side by it, and not by the transit address that charon sees. Empty: it has none. */
  address: string;
  /** Of digests. Clients of the API see digests, and must not be able to try out secrets on them. */
  digestKey: Uint8Array;
}

/** What a manager is told of a VPN, without its secrets; null for other network instances. */
export function vpnMessage({ vpn }: NetworkInstance, context: VpnContext): Vpn | null {
  if (!vpn) return null;
  const { localBreakout, tunnels } = vpn;
  return { localBreakout, tunnels: tunnels.map(tunnel => tunnelMessage(tunnel, context)) };
}

/** The secrets of its tunnels, for its manager alone. */
export function credentialsMessages({ vpn }: NetworkInstance): VpnCredentials[] {
  return (vpn?.tunnels ?? []).map(credentialsOf);
}

/** Whether somebody may call one of its tunnels, so that IKE's ports on the uplink lead to it. */
export function isCalled({ vpn }: NetworkInstance): boolean {
  return vpn?.tunnels.some(({ role }) => role === 'server') ?? false;
}

function tunnelMessage(tunnel: VpnTunnel, { address, digestKey }: VpnContext): WireTunnel {
  const { auth } = tunnel;
  return {
    name: tunnel.name,
    server: tunnel.role === 'server',
    routeBased: tunnel.mode === 'route',
    ikeVersion: tunnel.ikeVersion,
    remoteGateway: tunnel.remoteGateway,
    localId: tunnel.localId || (auth.kind === 'psk' ? address : ''),
    remoteId: tunnel.remoteId,
    auth: auth.kind === 'psk' ? VpnAuth.PSK : VpnAuth.CERTIFICATE,
    localSubnets: tunnel.localSubnets,
    remoteSubnets: tunnel.remoteSubnets,
    ikeProposals: tunnel.ikeProposals,
    espProposals: tunnel.espProposals,
    ikeRekey: tunnel.ikeRekey,
    espRekey: tunnel.espRekey,
    dpdDelay: tunnel.dpdDelay,
    tunnelAddress: tunnel.tunnelAddress ?? '',
    tunnelPeer: tunnel.tunnelPeer ?? '',
    mtu: tunnel.mtu ?? 0,
    credentialsDigest: createHmac('sha256', digestKey)
      .update(codecs.VpnCredentials.encode(credentialsOf(tunnel)))
      .digest(),
  };
}

function credentialsOf({ name, auth }: VpnTunnel): VpnCredentials {
  return auth.kind === 'psk'
    ? { tunnel: name, psk: auth.secret, certificate: '', privateKey: '', authorities: [] }
    : {
        tunnel: name,
        psk: '',
        certificate: auth.certificate,
        privateKey: auth.privateKey,
        authorities: auth.authorities,
      };
}
