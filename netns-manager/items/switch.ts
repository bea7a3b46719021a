import type { SwitchPort } from '../../shared/proto/messages.ts';
import { ACL_TABLES } from '../acl/observe.ts';
import type { ActualSwitch, SwitchLink } from '../bridge/switch-actual.ts';
import { hasVlan, VIF_PORT } from '../bridge/switch-plan.ts';
import { bridgeMac } from '../bridge/wanted.ts';
import { BRIDGE, type Intent } from '../intent.ts';
import { ABSENT, type Item, itemKey } from './item.ts';
import { BRIDGE_LINK, upOrDown } from './links.ts';
import { rulesText, sysctlItems } from './services.ts';

export const SWITCH_NFT = itemKey('nft', ACL_TABLES.switch);

/** What a pass over a switch found, beside errors. */
export interface SwitchFound {
  /** Path below /proc/sys -> value. */
  sysctls: ReadonlyMap<string, string>;
  wantedSysctls: ReadonlyMap<string, string>;
  links: ActualSwitch;
  /** The rules in the kernel are those of the intent. */
  rulesLoaded: boolean;
}

/** Every item of a switch in the order of layers: an item comes after all that it depends on. */
export function describeSwitchItems(intent: Intent, found: SwitchFound): Item[] {
  const { config } = intent;
  const rules = rulesText(intent);
  const bridge = found.links.links.get(BRIDGE);
  const hasStp = (stp: boolean | undefined) => (stp ? ', spanning tree' : '');
  return [
    ...sysctlItems(found.wantedSysctls, found.sysctls),
    {
      kind: 'nft',
      id: ACL_TABLES.switch,
      intended: rules,
      actual: found.rulesLoaded ? rules : 'not loaded',
      dependsOn: [],
    },
    {
      kind: 'link',
      id: BRIDGE,
      intended: `up, mtu ${config.mtu}, ${bridgeMac(config.uuid)}${hasStp(config.ports.length > 1)}`,
      actual: bridge
        ? `${upOrDown(bridge)}, mtu ${bridge.mtu}, ${bridge.mac}${hasStp(found.links.bridge?.stp)}`
        : ABSENT,
      dependsOn: [],
    },
    ...config.ports.flatMap(port => portItems(port, found.links)),
    ...vifItems(intent, found.links),
  ];
}

/** An uplink, and the device's end if there is one. */
function portItems({ name, deviceEnd }: SwitchPort, { links }: ActualSwitch): Item[] {
  const item = (id: string): Item => {
    const link = links.get(id);
    return {
      kind: 'port',
      id,
      intended: place(true, true),
      actual: link ? place(link.master === BRIDGE, link.up) : ABSENT,
      dependsOn: [BRIDGE_LINK],
      waitsFor: 'the supervisor, which moves the uplink in when it is there',
    };
  };
  return [item(name), ...(links.has(deviceEnd) ? [item(deviceEnd)] : [])];
}

function vifItems({ config, apps }: Intent, { links, fdb }: ActualSwitch): Item[] {
  return apps.map(app => {
    const { vif } = app;
    const mac = app.mac.toLowerCase();
    const vlan = hasVlan(app) ? ` ${app.accessVlan}` : '';
    const isHeld = fdb.has(`${mac} ${vif}${vlan}`);
    const words = (link: Pick<SwitchLink, 'up' | 'mtu' | 'master'>, isLocked: boolean, holds: boolean) =>
      `${place(link.master === BRIDGE, link.up)}, mtu ${link.mtu}, ${isLocked ? 'locked to' : 'not locked,'} ${holds ? mac : 'no MAC'}${vlan && `, VLAN${vlan}`}`;
    const link = links.get(vif);
    return {
      kind: 'vif',
      id: vif,
      intended: words({ up: true, mtu: config.mtu, master: BRIDGE }, true, true),
      actual: link ? words(link, link.port?.flags === VIF_PORT, isHeld) : ABSENT,
      dependsOn: [BRIDGE_LINK, SWITCH_NFT],
      waitsFor: 'the supervisor, which makes it when the app is there',
    };
  });
}

function place(isInBridge: boolean, isUp: boolean): string {
  return `${isInBridge ? `port of ${BRIDGE}` : `not in ${BRIDGE}`}, ${isUp ? 'up' : 'down'}`;
}
