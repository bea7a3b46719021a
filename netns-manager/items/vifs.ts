import type { ActualLinks } from '../bridge/actual.ts';
import { BRIDGE, type Intent } from '../intent.ts';
import { BRIDGE_NF } from '../sysctls.ts';
import { ABSENT, type Item, itemKey } from './item.ts';
import { BRIDGE_LINK, upOrDown } from './links.ts';
import { NFT } from './services.ts';

/** The bridge ends of apps' interfaces, and static entries of the bridge that nobody wants any more. */
export function vifItems({ config, apps }: Intent, actual: ActualLinks): Item[] {
  const dependsOn = [BRIDGE_LINK, NFT, ...BRIDGE_NF.map(path => itemKey('sysctl', path))];
  const items = apps.map(({ vif, mac }): Item => {
    const link = actual.links.get(vif);
    const held = actual.fdb.has(`${mac.toLowerCase()} ${vif}`);
    return {
      kind: 'vif',
      id: vif,
      intended: words(true, 'up', config.mtu, true, mac.toLowerCase()),
      actual: link
        ? words(link.master === BRIDGE, upOrDown(link), link.mtu, link.lockedPort, held ? mac.toLowerCase() : 'no MAC')
        : ABSENT,
      dependsOn,
      waitsFor: 'the supervisor, which makes it when the app is there',
    };
  });
  const wanted = new Set(apps.map(({ vif }) => vif));
  const stray = new Set([...actual.fdb].map(entry => entry.split(' ')[1]!).filter(port => !wanted.has(port)));
  return [
    ...items,
    ...[...stray].map(id => ({ kind: 'vif', id, intended: ABSENT, actual: 'in the bridge', dependsOn })),
  ];
}

function words(inBridge: boolean, upDown: string, mtu: number, locked: boolean, mac: string): string {
  const place = inBridge ? `port of ${BRIDGE}` : `not in ${BRIDGE}`;
  return `${place}, ${upDown}, mtu ${mtu}, ${locked ? 'locked to' : 'not locked,'} ${mac}`;
}
