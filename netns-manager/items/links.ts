import type { ActualLink, ActualLinks } from '../bridge/actual.ts';
import { bridgeAddresses, bridgeMac, transitAddresses } from '../bridge/wanted.ts';
import { BRIDGE, type Intent, UPLINK } from '../intent.ts';
import { ABSENT, type Item, itemKey } from './item.ts';

export const LOOPBACK = itemKey('link', 'lo');
export const BRIDGE_LINK = itemKey('link', BRIDGE);
export const UPLINK_LINK = itemKey('link', UPLINK);

/** Loopback, bridge and transit link, and the addresses on them. */
export function linkItems({ config }: Intent, actual: ActualLinks): Item[] {
  const lo = actual.links.get('lo');
  const bridge = actual.links.get(BRIDGE);
  const items: Item[] = [
    { kind: 'link', id: 'lo', intended: 'up', actual: lo ? upOrDown(lo) : ABSENT, dependsOn: [] },
    {
      kind: 'link',
      id: BRIDGE,
      intended: `bridge, up, mtu ${config.mtu}, ${bridgeMac(config.uuid)}`,
      actual: bridge ? `${bridge.kind}, ${upOrDown(bridge)}, mtu ${bridge.mtu}, ${bridge.mac}` : ABSENT,
      dependsOn: [],
    },
    ...addressItems(BRIDGE, bridgeAddresses(config), bridge),
  ];
  if (!config.transit) return items;
  const uplink = actual.links.get(UPLINK);
  items.push(
    {
      kind: 'link',
      id: UPLINK,
      intended: `up, mtu ${config.transit.mtu}`,
      actual: uplink ? `${upOrDown(uplink)}, mtu ${uplink.mtu}` : ABSENT,
      dependsOn: [],
      waitsFor: 'the supervisor, which makes the transit link',
    },
    ...addressItems(UPLINK, transitAddresses(config.transit), uplink),
  );
  return items;
}

/** The key of an address's item. */
export function addressKey(device: string, address: string): string {
  return itemKey('address', `${device} ${address}`);
}

function addressItems(device: string, wanted: readonly string[], link: ActualLink | undefined): Item[] {
  const present = (link?.addresses ?? []).filter(address => !address.startsWith('fe80:'));
  const item = (address: string, intended: string, actual: string): Item => ({
    kind: 'address',
    id: `${device} ${address}`,
    intended,
    actual,
    dependsOn: [itemKey('link', device)],
  });
  return [
    ...wanted.map(address => item(address, 'present', present.includes(address) ? 'present' : ABSENT)),
    ...present.filter(address => !wanted.includes(address)).map(address => item(address, ABSENT, 'present')),
  ];
}

export function upOrDown({ up }: Pick<ActualLink, 'up'>): string {
  return up ? 'up' : 'down';
}
