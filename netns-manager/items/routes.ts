import { canonicalCidr, cidrContains, parseAddress, parsePrefix } from '../../shared/net/address.ts';
import type { ActualLinks } from '../bridge/actual.ts';
import { bridgeAddresses, transitAddresses, transitPeers } from '../bridge/wanted.ts';
import { BRIDGE, type Intent, UPLINK } from '../intent.ts';
import { ABSENT, type Item } from './item.ts';
import { addressKey, UPLINK_LINK } from './links.ts';

/** The default routes, one per family in one item, and static routes. */
export function routeItems({ config }: Intent, actual: ActualLinks): Item[] {
  const { transit } = config;
  if (!transit) return [];
  const own = [
    ...transitAddresses(transit).map(address => ({ device: UPLINK, address })),
    ...bridgeAddresses(config).map(address => ({ device: BRIDGE, address })),
  ];
  const peers = transitPeers(transit);
  return [
    {
      kind: 'route',
      id: 'default',
      intended: via(peers),
      actual: via(peers.filter(peer => actual.defaultRoutes.includes(peer))),
      dependsOn: [UPLINK_LINK, ...transitAddresses(transit).map(address => addressKey(UPLINK, address))],
    },
    ...config.staticRoutes
      .filter(({ gateway }) => gateway !== '')
      .map(({ destination, gateway }): Item => {
        const present = actual.routes.some(
          route => canonicalCidr(route.destination) === canonicalCidr(destination) && route.gateway === gateway,
        );
        const through = own.filter(({ address }) => isNeighbour(address, gateway));
        return {
          kind: 'route',
          id: destination,
          intended: via([gateway]),
          actual: present ? via([gateway]) : ABSENT,
          dependsOn: through.map(({ device, address }) => addressKey(device, address)),
        };
      }),
  ];
}

function via(gateways: readonly string[]): string {
  return gateways.length > 0 ? `via ${gateways.join(' and ')}` : ABSENT;
}

function isNeighbour(address: string, gateway: string): boolean {
  const network = parsePrefix(address);
  const next = parseAddress(gateway);
  return network !== null && next !== null && cidrContains(network, next);
}
