import { type Ace, AceAction, type AppInterfaceConfig } from '../../shared/proto/messages.ts';
import { userMark } from './mark.ts';
import { ofFamily } from './prefix.ts';

/** What the firewall needs to know of one app interface. */
export interface Vif {
  number: number;
  /** Its bridge end. */
  device: string;
  mac: string;
  /** The app's addresses, of both families. */
  addresses: string[];
  acl: readonly Ace[];
  /** For people who read the ruleset. */
  label: string;
}

/** The VIFs by number, whatever order they came in. */
export function vifsOf(configs: readonly AppInterfaceConfig[]): Vif[] {
  return configs
    .map(config => ({
      number: config.vifNumber,
      device: config.vif,
      mac: config.mac.toLowerCase(),
      addresses: [...ofFamily([config.ipv4], 4), ...ofFamily([config.ipv6], 6)],
      acl: config.acl,
      label: `${config.appName}/${config.name}`.replace(/[^\w./-]/g, '_').slice(0, 100),
    }))
    .sort((a, b) => a.number - b.number);
}

/** The name of an ACE's counter. */
export function aceCounter(vif: number, ace: number): string {
  return `ace_${vif}_${ace}`;
}

/** The name of the counter of what no ACE of the VIF matched. */
export function defaultCounter(vif: number): string {
  return `ace_${vif}_default`;
}

/** The marks of the ACEs with one of these actions, and whose they are. */
export function acesWith(vifs: readonly Vif[], ...actions: Ace['action'][]): { vif: Vif; ace: Ace; mark: number }[] {
  return vifs.flatMap(vif =>
    vif.acl
      .filter(ace => actions.includes(ace.action))
      .map(ace => ({ vif, ace, mark: userMark(vif.number, ace.id, ace.action === AceAction.DROP) })),
  );
}
