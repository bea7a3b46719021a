export interface RootUplink {
  interface: string;
  /** IPv4, with prefix length, as the interface has them now. */
  addresses: string[];
  gateway?: string;
  /** MACs of apps that reach the device by it: they are on a switch that has the uplink. */
  appMacs?: string[];
}

export interface RootPortmap {
  uplink: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  port: number;
}

export interface RootInstance {
  number: number;
  /** Root end of the transit link: the prefix and the number. */
  device: string;
  /** The root end's address with prefix length, `169.254.64.1/30`. */
  peerAddress: string;
  innerAddress: string;
  netnsPath: string;
  mtu: number;
  /** Absent: air-gapped, no transit link. */
  uplink?: string;
  /** May overlap with anything. */
  subnets: string[];
  /** Networks behind its tunnels: for the instance they lie elsewhere, too. */
  remoteSubnets?: string[];
  portmaps: RootPortmap[];
}

/** What the root namespace should hold for all network instances of one prefix. */
export interface RootIntent {
  prefix: string;
  transitPool: string;
  forwardBetweenUplinks: boolean;
  uplinks: RootUplink[];
  instances: RootInstance[];
}

export type ConnectedInstance = RootInstance & { uplink: string };

/** The instances with a transit link, by number. */
export function connected(intent: RootIntent): ConnectedInstance[] {
  return intent.instances
    .filter((instance): instance is ConnectedInstance => instance.uplink !== undefined)
    .sort((a, b) => a.number - b.number);
}
