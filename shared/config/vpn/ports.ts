/** UDP ports of an uplink at which a VPN is called: IKE, and behind NAT both IKE and ESP. */
export const IKE_PORTS: readonly number[] = [500, 4500];
