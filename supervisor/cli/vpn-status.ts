import type { NetworkInstanceReport } from '../api/contract.ts';
import type { VpnChildReport, VpnReport, VpnTunnelReport } from '../api/vpn-contract.ts';
import { columns } from './print.ts';
import { formatSpan } from './span.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** The tunnels of all VPNs for a terminal: one table of tunnels, one of what they carry. Empty when there are none. */
export function formatVpns(instances: readonly NetworkInstanceReport[], now: number): string[] {
  const all = instances.flatMap(({ name, vpn }) => (vpn ? vpn.tunnels.map(tunnel => ({ ni: name, vpn, tunnel })) : []));
  if (all.length === 0) return [];
  const carried = all.flatMap(({ ni, tunnel }) => tunnel.children.map(child => childRow(ni, tunnel, child, now)));
  return [
    ...columns(
      ['VPN', 'TUNNEL', 'STATE', 'SINCE', 'GATEWAY', 'IKE', 'PROPOSAL', 'ESP BY'],
      all.map(({ ni, vpn, tunnel }) => tunnelRow(ni, vpn, tunnel, now)),
    ),
    ...(carried.length > 0
      ? ['', ...columns(['VPN', 'TUNNEL', 'SPI IN', 'SPI OUT', 'NETWORKS', 'IN', 'OUT', 'REKEY', 'ESP'], carried)]
      : []),
  ];
}

/** 1234567 as `1.2MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.floor(value) : value.toFixed(1)}${UNITS[unit]}`;
}

function tunnelRow(ni: string, vpn: VpnReport, tunnel: VpnTunnelReport, now: number): string[] {
  const { name, state, established, remoteGateway, remoteHost, ikeVersion, ikeProposal } = tunnel;
  const gateway = remoteGateway === '%any' && remoteHost ? `${remoteHost} (any)` : remoteGateway;
  const since = established > 0 ? formatSpan((now - established) / 1000) : '-';
  return [ni, name, state, since, gateway, `v${ikeVersion}`, ikeProposal || '-', vpn.backend || '-'];
}

function childRow(ni: string, { name }: VpnTunnelReport, child: VpnChildReport, now: number): string[] {
  const { spiIn, spiOut, localTs, remoteTs, bytesIn, packetsIn, bytesOut, packetsOut, rekey, proposal } = child;
  const networks = `${localTs.join(' ')} === ${remoteTs.join(' ')}`;
  const received = `${formatBytes(bytesIn)}/${packetsIn}p`;
  const sent = `${formatBytes(bytesOut)}/${packetsOut}p`;
  const left = rekey > 0 ? formatSpan((rekey - now) / 1000) : '-';
  return [ni, name, spiIn || '-', spiOut || '-', networks, received, sent, left, proposal || '-'];
}
