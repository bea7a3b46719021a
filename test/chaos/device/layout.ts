/** The demo world as the suite uses it. */

export const instances = ['ni1', 'ni2', 'ni3', 'ni4', 'ni5', 'ni6'] as const;
export type Ni = (typeof instances)[number];

/** Those with their own dnsmasq, and those with a tunnel. */
export const withDnsmasq = ['ni1', 'ni2', 'ni3', 'ni4', 'ni5'] as const satisfies readonly Ni[];
export const withTunnel = ['ni4', 'ni5'] as const satisfies readonly Ni[];

/** Who talks through an NI, to whom. */
export interface Path {
  app: string;
  /** The app's interface. */
  device: string;
  target: string;
  /** Name that the target's server has. */
  server: string;
  dns: string;
}

export const ways: Readonly<Record<Ni, Path>> = {
  ni1: { app: 'app1', device: 'eth0', target: '192.168.0.1', server: 'gw', dns: '10.10.1.1' },
  ni2: { app: 'app2', device: 'eth0', target: '192.168.0.1', server: 'gw', dns: '192.168.1.1' },
  ni3: { app: 'app3', device: 'eth0', target: '192.168.1.1', server: 'gw', dns: '10.10.1.1' },
  ni4: { app: 'app4', device: 'eth0', target: '192.168.0.1', server: 'cloud1', dns: '10.10.10.1' },
  ni5: { app: 'app5', device: 'eth0', target: '192.168.0.1', server: 'cloud2', dns: '10.10.10.1' },
  ni6: { app: 'app6', device: 'eth0', target: '192.168.3.1', server: 'gw', dns: '192.168.3.1' },
};

/** Uplinks, and the NIs whose packets go through each. */
export const uplinks = {
  eth0: ['ni1', 'ni2'],
  eth1: ['ni3', 'ni4'],
  eth2: ['ni5'],
  eth3: ['ni6'],
} as const satisfies Record<string, readonly Ni[]>;
export type Uplink = keyof typeof uplinks;
