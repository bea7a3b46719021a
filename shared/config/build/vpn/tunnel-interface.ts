import {
  type Address,
  cidrContains,
  formatAddress,
  type HostAddress,
  parseAddress,
  parseCidr,
  parseHostAddress,
} from '../../../net/address.ts';
import type { Told } from '../../issue.ts';
import type { VpnTunnel } from '../../model.ts';
import type { TunnelDraft } from '../../vpn/draft.ts';
import { specialKind } from '../../vpn/special.ts';
import type { VpnContext } from './vpn.ts';

/** Addresses of a route-based tunnel's own interface, where it has some. */
export function readTunnelInterface(
  draft: TunnelDraft,
  context: VpnContext,
): Pick<VpnTunnel, 'tunnelAddress' | 'tunnelPeer'> {
  const { tunnelAddress, tunnelPeer, mode } = draft;
  const { report } = context;
  if (mode.value === 'policy') {
    for (const told of [tunnelAddress, tunnelPeer]) {
      if (told.value === undefined) continue;
      report.refuse(told, 'a policy-based tunnel has no interface', 'remove it, or use mode route');
    }
    return {};
  }
  const own = readOwn(tunnelAddress, context);
  const peer = readPeer(tunnelPeer, context);
  if (tunnelPeer.value !== undefined && tunnelAddress.value === undefined) {
    const told = { path: tunnelAddress.path, value: undefined };
    report.refuse(told, 'the other end of the tunnel has an address, this one has none', 'add tunnelAddress');
  }
  if (own && peer && formatAddress(own.address) === formatAddress(peer)) {
    report.refuse(tunnelPeer, 'is the same address as that of this side', "write the other side's");
  }
  return {
    ...(own && { tunnelAddress: `${formatAddress(own.address)}/${own.network.prefixLength}` }),
    ...(peer && { tunnelPeer: formatAddress(peer) }),
  };
}

function readOwn(told: Told<string | undefined>, context: VpnContext): HostAddress | undefined {
  if (told.value === undefined) return undefined;
  const read = parseHostAddress(told.value);
  if (read) return isUsable(read.address, told, context) ? read : undefined;
  const remedy = 'write one, for example 169.254.10.2/30';
  return void context.report.refuse(told, 'is not an address with the length of its prefix', remedy);
}

function readPeer(told: Told<string | undefined>, context: VpnContext): Address | undefined {
  if (told.value === undefined) return undefined;
  const read = parseHostAddress(told.value)?.address ?? parseAddress(told.value);
  if (read) return isUsable(read, told, context) ? read : undefined;
  return void context.report.refuse(told, 'is not an IP address', 'write one, for example 169.254.10.1');
}

function isUsable(address: Address, told: Told<string | undefined>, { ni, transitPool, report }: VpnContext): boolean {
  const remedy = 'use an unused address, for example 169.254.10.2/30';
  const kind = specialKind(address);
  const taken = [ni.ipv4?.subnet, ni.ipv6?.subnet, transitPool].find(
    range => range !== undefined && cidrContains(parseCidr(range)!, address),
  );
  if (kind && kind !== 'a link-local address') report.refuse(told, `is ${kind}`, remedy);
  else if (taken === transitPool) {
    report.refuse(told, `lies in the transit pool ${taken}`, 'use another address, or another transitPool');
  } else if (taken) report.refuse(told, `lies in the network instance's own subnet ${taken}`, remedy);
  else return true;
  return false;
}
