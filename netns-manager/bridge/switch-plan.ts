import type { AppInterfaceConfig } from '../../shared/proto/messages.ts';
import { BRIDGE, type Intent } from '../intent.ts';
import { ip, type LinkCommand, planAddresses } from './plan.ts';
import type { ActualSwitch, SwitchLink } from './switch-actual.ts';
import { bridgeMac } from './wanted.ts';

/**
 * With several uplinks the bridge speaks the spanning tree protocol, with the shortest times that 802.1D allows together (in
 * hundredths of a second): a port forwards after 8 s. With one it forwards at once.
 */
const STP_ON = 'stp_state 1 forward_delay 400 max_age 600';
/** The kernel refuses such a short delay while the protocol still runs. */
const STP_OFF = ['stp_state 0', 'forward_delay 0'];
/** Without a querier snooping would lose IPv6 neighbour discovery; the ACLs decide what multicast reaches an app. */
const NO_SNOOPING = 'mcast_snooping 0';
/** Only frames with the VIF's MAC come in; none for unknown MACs go out; who speaks spanning tree is shut off. */
export const VIF_PORT = 'locked on learning off flood off guard on';
/** Ports are in it, untagged, unless something else is said. */
const NATIVE_VLAN = 1;
const UNTAGGED = 'pvid untagged';

/** The commands for a switch's links, and the items that can't be, with the reason. */
export interface SwitchPlan {
  commands: LinkCommand[];
  errors: Map<string, string>;
}

/**
 * What turns what is into what is wanted; no commands when it is so already. A second look may bring more: a VIF with a VLAN comes
 * up when the VLAN is in place. `guarded`: the rules are loaded; without them no VIF joins the bridge.
 */
export function planSwitch(intent: Intent, actual: ActualSwitch, guarded: boolean): SwitchPlan {
  const errors = new Map<string, string>();
  const usesVlans = intent.apps.some(hasVlan) && actual.bridge?.canFilterVlans !== false;
  const commands = [
    ...planBridge(intent, actual, usesVlans),
    ...planPorts(intent, actual, usesVlans),
    ...(guarded ? intent.apps.flatMap(app => planVif(intent, app, actual, usesVlans, errors)) : []),
    ...planEntries(intent, actual),
  ];
  return { commands, errors };
}

/** Whether it belongs into a VLAN of its own. 1 is the native one, as in EVE. */
export function hasVlan({ accessVlan }: AppInterfaceConfig): boolean {
  return accessVlan > NATIVE_VLAN;
}

function planBridge({ config }: Intent, { links, bridge }: ActualSwitch, usesVlans: boolean): LinkCommand[] {
  const item = `link:${BRIDGE}`;
  const link = links.get(BRIDGE);
  const mac = bridgeMac(config.uuid);
  const wantsStp = config.ports.length > 1;
  const stp = wantsStp ? STP_ON : STP_OFF.join(' ');
  const set = (what: string) => ip(item, `link set dev ${BRIDGE} ${what}`);
  if (!link || !bridge) {
    return [
      ...(link ? [ip(item, `link del dev ${BRIDGE}`)] : []),
      ip(item, `link add name ${BRIDGE} address ${mac} mtu ${config.mtu} type bridge ${stp} ${NO_SNOOPING}`),
      set('up'),
    ];
  }
  return [
    ...(link.mac !== mac || link.mtu !== config.mtu ? [set(`address ${mac} mtu ${config.mtu}`)] : []),
    ...(bridge.stp === wantsStp ? [] : (wantsStp ? [STP_ON] : STP_OFF).map(words => set(`type bridge ${words}`))),
    ...(bridge.filtersVlans === usesVlans ? [] : [set(`type bridge vlan_filtering ${usesVlans ? 1 : 0}`)]),
    ...(link.up ? [] : [set('up')]),
    ...planAddresses(BRIDGE, [], link.addresses),
  ];
}

/** The supervisor moves them in; one that is not there yet is waited for. */
function planPorts({ config, apps }: Intent, actual: ActualSwitch, usesVlans: boolean): LinkCommand[] {
  const vlans = new Map([
    [NATIVE_VLAN, UNTAGGED],
    ...apps.filter(hasVlan).map(({ accessVlan }) => [accessVlan, ''] as const),
  ]);
  return config.ports
    .flatMap(port => [port.name, port.deviceEnd])
    .flatMap(name => {
      const link = actual.links.get(name);
      if (!link) return [];
      const item = `port:${name}`;
      return [
        ...join(item, name, link),
        ...(usesVlans ? planVlans(item, name, vlans, actual) : []),
        ...(link.up ? [] : [ip(item, `link set dev ${name} up`)]),
      ];
    });
}

function planVif(
  { config }: Intent,
  app: AppInterfaceConfig,
  actual: ActualSwitch,
  usesVlans: boolean,
  errors: Map<string, string>,
): LinkCommand[] {
  const { vif, accessVlan } = app;
  const link = actual.links.get(vif);
  if (!link) return []; // the supervisor makes it
  const item = `vif:${vif}`;
  if (hasVlan(app) && !usesVlans) {
    const reason = 'this kernel has no VLAN filtering in its bridge (CONFIG_BRIDGE_VLAN_FILTERING)';
    const remedy = 'run a kernel that has it, or take accessVlan away';
    errors.set(item, `access VLAN ${accessVlan}: ${reason}, so the interface stays closed; ${remedy}`);
    return link.master === '' ? [] : [ip(item, `link set dev ${vif} nomaster`)];
  }
  const mac = app.mac.toLowerCase();
  const vlan = hasVlan(app) ? accessVlan : NATIVE_VLAN;
  const vlans = usesVlans ? planVlans(item, vif, new Map([[vlan, UNTAGGED]]), actual) : [];
  const entry = hasVlan(app) ? `${mac} ${vif} ${vlan}` : `${mac} ${vif}`;
  // In between it would be in another VLAN.
  const mayBeUp = vlans.length === 0 || !hasVlan(app);
  return [
    ...(link.mtu === config.mtu ? [] : [ip(item, `link set dev ${vif} mtu ${config.mtu}`)]),
    ...(link.up && !mayBeUp ? [ip(item, `link set dev ${vif} down`)] : []),
    ...join(item, vif, link),
    ...(link.master === BRIDGE && link.port?.flags === VIF_PORT
      ? []
      : [ip(item, `link set dev ${vif} type bridge_slave ${VIF_PORT}`)]),
    ...vlans,
    ...(link.master === BRIDGE && actual.fdb.has(entry)
      ? []
      : [bridge(item, `fdb replace ${mac} dev ${vif} master static${hasVlan(app) ? ` vlan ${vlan}` : ''}`)]),
    ...(mayBeUp && !link.up ? [ip(item, `link set dev ${vif} up`)] : []),
  ];
}

/** Takes away static entries of MACs that a port no longer has. */
function planEntries({ apps }: Intent, { fdb }: ActualSwitch): LinkCommand[] {
  const wanted = new Set(apps.map(({ vif, mac }) => `${mac.toLowerCase()} ${vif}`));
  return [...fdb].flatMap(entry => {
    const [mac, port, vlan] = entry.split(' ');
    if (wanted.has(`${mac} ${port}`)) return [];
    return [bridge(`vif:${port}`, `fdb del ${mac} dev ${port} master${vlan ? ` vlan ${vlan}` : ''}`)];
  });
}

function planVlans(
  item: string,
  port: string,
  wanted: ReadonlyMap<number, string>,
  { vlans }: ActualSwitch,
): LinkCommand[] {
  const present = vlans.get(port) ?? new Map<number, string>();
  return [
    ...[...wanted]
      .filter(([vlan, flags]) => present.get(vlan) !== flags)
      .map(([vlan, flags]) => bridge(item, `vlan add dev ${port} vid ${vlan} ${flags}`.trim())),
    ...[...present.keys()]
      .filter(vlan => !wanted.has(vlan))
      .map(vlan => bridge(item, `vlan del dev ${port} vid ${vlan}`)),
  ];
}

function join(item: string, name: string, { master }: SwitchLink): LinkCommand[] {
  return master === BRIDGE ? [] : [ip(item, `link set dev ${name} master ${BRIDGE}`)];
}

function bridge(item: string, line: string): LinkCommand {
  return { item, program: 'bridge', line };
}
