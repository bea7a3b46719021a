import type { NetworkInstance, VpnTunnel } from '../shared/config/model.ts';
import type { VpnChildSa, VpnStatus, VpnTunnelStatus } from '../shared/proto/messages.ts';
import type { VpnChildReport, VpnReport, VpnTunnelReport } from './api/vpn-contract.ts';

/** What `nibox status` shows of a VPN: each tunnel of the config, with what the manager says of it. Null for other NIs. */
export function vpnReport(ni: NetworkInstance, status: VpnStatus | undefined): VpnReport | null {
  if (!ni.vpn || ni.issues.length > 0) return null;
  const told = new Map((status?.tunnels ?? []).map(tunnel => [tunnel.name, tunnel]));
  return {
    backend: status?.backend ?? '',
    charonPid: status?.charonPid ?? 0,
    error: status?.error || null,
    localBreakout: ni.vpn.localBreakout,
    tunnels: ni.vpn.tunnels.map(tunnel => tunnelReport(tunnel, told.get(tunnel.name))),
  };
}

function tunnelReport(config: VpnTunnel, status: VpnTunnelStatus | undefined): VpnTunnelReport {
  return {
    name: config.name,
    role: config.role,
    mode: config.mode,
    remoteGateway: config.remoteGateway,
    state: status?.state || 'init',
    error: status?.error || null,
    lastError: status?.lastError || null,
    lastErrorTime: status?.lastErrorTime ?? 0,
    attempts: status?.attempts ?? 0,
    ikeVersion: status?.ikeVersion || config.ikeVersion,
    ikeState: status?.ikeState ?? '',
    initiatorSpi: status?.initiatorSpi ?? '',
    responderSpi: status?.responderSpi ?? '',
    localHost: status?.localHost ?? '',
    localPort: status?.localPort ?? 0,
    remoteHost: status?.remoteHost ?? '',
    remotePort: status?.remotePort ?? 0,
    localId: status?.localId ?? '',
    remoteId: status?.remoteId ?? '',
    ikeProposal: status?.ikeProposal ?? '',
    established: status?.established ?? 0,
    rekey: status?.rekey ?? 0,
    children: (status?.children ?? []).map(childReport),
  };
}

function childReport(child: VpnChildSa): VpnChildReport {
  const { name, uniqueId, state, mode, encapsulated, spiIn, spiOut, proposal, localTs, remoteTs } = child;
  const { bytesIn, packetsIn, bytesOut, packetsOut, installed, rekey, expires } = child;
  return {
    ...{ name, uniqueId, state, mode, encapsulated, spiIn, spiOut, proposal, localTs, remoteTs },
    ...{ bytesIn, packetsIn, bytesOut, packetsOut, installed, rekey, expires },
  };
}
