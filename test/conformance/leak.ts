import { BlockList } from 'node:net';
import type { Packet } from './capture.ts';

/** Networks that live inside NIs only, with the links between them and the device; whoever sends from there has not been translated. */
const privateNetworks = [
  ['10.10.1.0', 24],
  ['10.10.10.0', 24],
  ['169.254.64.0', 18],
] as const;
/** ni2's subnet is eth1's too, so its hosts are foreign on eth0 only. */
const foreignOnEth0 = ['192.168.1.0', 24] as const;

const inside = new BlockList();
for (const [network, prefix] of privateNetworks) inside.addSubnet(network, prefix);
const insideOnEth0 = new BlockList();
insideOnEth0.addSubnet(...foreignOnEth0);

/** What the capture on gw takes: connections and datagrams, and every packet that could be a leak. */
export const leakFilter = [
  ...privateNetworks.map(([network, prefix]) => `src net ${network}/${prefix}`),
  `src net ${foreignOnEth0.join('/')}`,
  'tcp[tcpflags] & tcp-syn != 0',
  'udp',
  'icmp',
]
  .map(term => `(${term})`)
  .join(' or ');

/** Whether a packet carries a source address that must not leave its NI (as seen on gw). */
export function isPrivateSource({ device, source }: Pick<Packet, 'device' | 'source'>): boolean {
  return inside.check(source) || (device === 'dev0' && insideOnEth0.check(source));
}

/** Whether a packet that gw saw is a leak: it came from the device, untranslated. */
export function isLeak(packet: Packet): boolean {
  return packet.direction === 'in' && /^dev\d$/.test(packet.device) && isPrivateSource(packet);
}
