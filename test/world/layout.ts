/**
 * The demo world as drawn (docs/demo.md): who exists, which wires join them, which addresses they have. Everything that
 * is built or checked is derived from here.
 */

export const apps = ['app1', 'app2', 'app3', 'app4', 'app5', 'app6'] as const;
export const clouds = ['cloud1', 'cloud2'] as const;
/** The namespaces that the world itself makes; `<prefix>-` goes in front of each. */
export const members = ['gw', ...clouds, 'device', ...apps] as const;
export type Member = (typeof members)[number];

/** Web sites on the "internet" behind gw, by the address that answers for them. */
export const sites = { 'github.com': '198.51.100.10', 'google.com': '198.51.100.20' } as const;

/** A wire: its two ends, each an interface in a member's namespace. */
export interface Wire {
  ends: readonly [end: WireEnd, peer: WireEnd];
}

export interface WireEnd {
  member: Member;
  device: string;
  /** With prefix length; absent: up, but without an address. */
  address?: string;
  /** Next hop of a default route over this end, and that route's metric. */
  gateway?: string;
  metric?: number;
}

const uplink = (index: number): Wire => ({
  ends: [
    {
      member: 'device',
      device: `eth${index}`,
      address: `192.168.${index}.2/24`,
      gateway: `192.168.${index}.1`,
      metric: 100 + index,
    },
    { member: 'gw', device: `dev${index}`, address: `192.168.${index}.1/24` },
  ],
});

const cloudLink = (cloud: Member, net: number): Wire => ({
  ends: [
    { member: cloud, device: 'eth0', address: `192.168.${net}.1/24`, gateway: `192.168.${net}.2` },
    { member: 'gw', device: cloud, address: `192.168.${net}.2/24` },
  ],
});

export const wires: readonly Wire[] = [
  uplink(0),
  uplink(1),
  uplink(2),
  {
    ends: [
      { member: 'device', device: 'eth3' },
      { member: 'gw', device: 'dev3', address: '192.168.3.1/24' },
    ],
  },
  cloudLink('cloud1', 111),
  cloudLink('cloud2', 222),
];

/** Addresses on `lo`: the web sites on gw, and on each cloud the network that overlaps with the device's eth0. */
export const loopbackAddresses: Readonly<Partial<Record<Member, readonly string[]>>> = {
  gw: Object.values(sites).map(address => `${address}/32`),
  cloud1: ['192.168.0.1/24'],
  cloud2: ['192.168.0.1/24'],
};

/** gw's own addresses towards the device; it answers there by its own name. */
export const gatewayAddresses = [0, 1, 2, 3].map(index => `192.168.${index}.1`);

/** What the device itself serves, and no app may reach (check C32). */
export const deviceService = { address: '192.168.0.2', port: 2222 } as const;

/** DHCP server on gw for what is bridged to eth3. */
export const gatewayDhcp = {
  device: 'dev3',
  start: '192.168.3.50',
  end: '192.168.3.150',
  router: '192.168.3.1',
} as const;

/** What the IPsec responders on the clouds expect: the same traffic selectors on both, on purpose. */
export const tunnels = {
  cloud1: { address: '192.168.111.1', local: '192.168.0.0/24', remote: '10.10.10.0/24', psk: 'evenet123' },
  cloud2: { address: '192.168.222.1', local: '192.168.0.0/24', remote: '10.10.10.0/24', psk: 'evenet123' },
} as const;
