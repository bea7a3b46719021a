/**
 * Who does ESP. `kernel-netlink`: the kernel. `kernel-libipsec`: charon itself, over a TUN device, where the kernel has no ESP;
 * it knows ESP in UDP only.
 */
export type Backend = 'kernel-netlink' | 'kernel-libipsec';

/** The TUN device that charon makes with kernel-libipsec; it is there as long as charon runs. */
export const TUN_DEVICE = 'ipsec0';

/** charon's own packets (IKE, and ESP in UDP of kernel-libipsec) carry this mark, so that routes into a tunnel can spare them. */
export const IKE_MARK = 0x42;
