import { gatewayAddresses, METADATA_HOST } from '../bridge/wanted.ts';
import { BRIDGE, type Intent } from '../intent.ts';
import { ABSENT, type Item, itemKey } from './item.ts';
import { addressKey, BRIDGE_LINK } from './links.ts';

export const NFT = itemKey('nft', 'inet nibox');
export const DNSMASQ = itemKey('dnsmasq', 'dhcp-dns');

export function sysctlItems(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): Item[] {
  return [...wanted].map(([id, intended]) => {
    return { kind: 'sysctl', id, intended, actual: found.get(id) ?? ABSENT, dependsOn: [] };
  });
}

/** `loaded`: the rules in the kernel are those of this intent. */
export function nftItem(intent: Intent, loaded: boolean): Item {
  const intended = rulesText(intent);
  return { kind: 'nft', id: 'inet nibox', intended, actual: loaded ? intended : 'not loaded', dependsOn: [] };
}

/** What the rules are for, in a few words. */
export function rulesText({ apps }: Intent): string {
  const aces = apps.reduce((count, { acl }) => count + acl.length, 0);
  return `${apps.length} VIFs, ${aces} ACEs`;
}

export function dnsmasqItem({ config }: Intent, running: boolean): Item {
  return {
    kind: 'dnsmasq',
    id: 'dhcp-dns',
    intended: 'running',
    actual: running ? 'running' : 'not running',
    dependsOn: [BRIDGE_LINK, ...gatewayAddresses(config).map(address => addressKey(BRIDGE, address))],
  };
}

export function metadataItem(listening: boolean): Item {
  return {
    kind: 'metadata',
    id: 'http',
    intended: 'listening',
    actual: listening ? 'listening' : 'not listening',
    dependsOn: [addressKey(BRIDGE, METADATA_HOST)],
  };
}
