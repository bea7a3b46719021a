import type { NetworkInstanceConfig } from '../../shared/proto/messages.ts';

/**
 * What ESP in UDP costs at most, bytes: IPv4 20, UDP 8, ESP header 8, IV 16, padding and its trailer 17, check value 16; and a little
 * room for a provider's own encapsulation.
 */
const OVERHEAD = 96;
/** libipsec reads its TUN device in pieces of that size, whatever the device's MTU is: what is longer would lose its end. */
export const LIBIPSEC_MTU = 1400;
/** The least that IPv6 demands. */
const LEAST = 1280;

/** Bytes that fit inside the NI's tunnels without being cut. */
export function tunnelMtu({ vpn, transit }: NetworkInstanceConfig): number {
  const derived = Math.min(LIBIPSEC_MTU, Math.max(LEAST, (transit?.mtu ?? 1500) - OVERHEAD));
  return Math.min(...(vpn?.tunnels ?? []).map(({ mtu }) => mtu || derived));
}
