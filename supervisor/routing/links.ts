import type { Actual, ActualLink } from './actual.ts';
import { connected, type RootInstance, type RootIntent } from './intent.ts';

/** Commands that make the transit links what they should be, and remove those of instances that are gone. */
export function planLinks(intent: RootIntent, actual: Actual): string[] {
  const wanted = connected(intent);
  const devices = new Set(wanted.map(({ device }) => device));
  const stale = transitLinks(intent.prefix, actual).filter(name => !devices.has(name));
  return [...stale.map(name => `link delete dev ${name}`), ...wanted.flatMap(instance => planLink(instance, actual))];
}

/** Names of the links of a prefix that are there. */
export function transitLinks(prefix: string, { links }: Actual): string[] {
  const name = new RegExp(`^${prefix}[0-9]+$`);
  return links.filter(link => link.linkinfo?.info_kind === 'veth' && name.test(link.ifname)).map(link => link.ifname);
}

function planLink(instance: RootInstance, { links, addresses }: Actual): string[] {
  const { device, mtu, netnsPath, peerAddress } = instance;
  const link = links.find(({ ifname }) => ifname === device);
  if (!link) {
    return [
      `link add name ${device} mtu ${mtu} type veth peer name uplink netns ${netnsPath} mtu ${mtu}`,
      `address add ${peerAddress} dev ${device}`,
      `link set dev ${device} up`,
    ];
  }
  const has = addresses
    .filter(({ ifname }) => ifname === device)
    .flatMap(({ addr_info }) => addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`));
  return [
    ...(link.mtu === mtu ? [] : [`link set dev ${device} mtu ${mtu}`]),
    ...has.filter(address => address !== peerAddress).map(address => `address delete ${address} dev ${device}`),
    ...(has.includes(peerAddress) ? [] : [`address add ${peerAddress} dev ${device}`]),
    ...(isUp(link) ? [] : [`link set dev ${device} up`]),
  ];
}

export const isUp = ({ flags }: ActualLink) => flags.includes('UP');
