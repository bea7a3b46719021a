import { sha256 } from '../../shared/digest.ts';
import { canonicalAddress, parseCidr } from '../../shared/net/address.ts';
import type { NetworkInstanceConfig, Transit } from '../../shared/proto/messages.ts';
import { METADATA_ADDRESS } from '../metadata/address.ts';

/** The bridge's own MAC: locally administered, stable, from the NI's UUID. Else it takes its ports', and changes as they come and go. */
export function bridgeMac(uuid: string): string {
  return `02:${sha256(uuid).slice(0, 10).match(/../g)!.join(':')}`;
}

/** Addresses of the bridge, with prefix length: the gateways, and where guests look for metadata. */
export function bridgeAddresses(config: NetworkInstanceConfig): string[] {
  return [...gatewayAddresses(config), METADATA_HOST];
}

export const METADATA_HOST = `${METADATA_ADDRESS}/32`;

/** What dnsmasq and the apps' routes live from. */
export function gatewayAddresses(config: NetworkInstanceConfig): string[] {
  return [config.ipv4, config.ipv6].flatMap(network => {
    const cidr = network && parseCidr(network.subnet);
    return cidr ? [`${canonicalAddress(network.gateway)}/${cidr.prefixLength}`] : [];
  });
}

export function transitAddresses({ address, address6 }: Transit): string[] {
  return [address, address6].filter(Boolean);
}

/** Next hops of the default routes. */
export function transitPeers({ peer, peer6 }: Transit): string[] {
  return [peer, peer6].filter(Boolean);
}
