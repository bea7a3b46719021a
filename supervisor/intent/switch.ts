import type { DeviceConfig, NetworkInstance } from '../../shared/config/model.ts';
import { uplinksOf } from '../../shared/config/uplinks.ts';
import type { SwitchPort } from '../../shared/proto/messages.ts';
import type { RootUplink } from '../routing/intent.ts';
import { deviceEnd } from '../switch-ports/names.ts';
import type { WantedPort } from '../switch-ports/switch-ports.ts';
import type { Uplink } from '../uplinks/observe.ts';
import type { InstanceIntent } from './intents.ts';

/** All uplinks that a switch's port stands for; none for other types, which go out by one at a time. */
export function switchUplinks(ni: NetworkInstance, uplinks: readonly Uplink[]): Uplink[] {
  if (ni.type !== 'switch') return [];
  const meant = uplinksOf(
    ni.port,
    uplinks.map(({ config }) => config),
  );
  return uplinks.filter(({ config }) => meant.includes(config));
}

/** The ports as the switch's manager is told of them, whether they are there yet or not. */
export function switchPorts(uplinks: readonly Uplink[]): SwitchPort[] {
  return uplinks.map(({ interface: name }) => ({ name, deviceEnd: deviceEnd(name) }));
}

/** What fits through every port that is there. */
export function switchMtu(ni: NetworkInstance, uplinks: readonly Uplink[]): number {
  return Math.min(ni.mtu, ...uplinks.filter(({ exists }) => exists).map(({ mtu }) => mtu));
}

/** The uplinks that the root namespace has, and which apps are beyond them without an instance's NAT in between. */
export function rootUplinks(uplinks: readonly Uplink[], intents: readonly InstanceIntent[]): RootUplink[] {
  return uplinks
    .filter(({ exists, isMoved }) => exists && !isMoved)
    .map(uplink => ({
      interface: uplink.interface,
      addresses: uplink.addresses.filter(address => !address.includes(':')),
      ...(uplink.gateway !== undefined && { gateway: uplink.gateway }),
      appMacs: intents
        .filter(({ ports }) => ports.includes(uplink))
        .flatMap(({ vifs }) => vifs.map(({ message }) => message.mac)),
    }));
}

/** The uplinks that these network instances' switches are to have. `isReady` is asked of each switch by name. */
export function wantedPorts(
  { uplinks }: Pick<DeviceConfig, 'uplinks'>,
  active: readonly NetworkInstance[],
  isReady: (ni: string) => boolean,
): WantedPort[] {
  const routed = new Set(
    active.filter(({ type }) => type !== 'switch').flatMap(({ port }) => uplinksOf(port, uplinks)),
  );
  return active
    .filter(({ type }) => type === 'switch')
    .flatMap(ni =>
      uplinksOf(ni.port, uplinks).map(uplink => ({
        ni: ni.name,
        interface: uplink.interface,
        isRoutedToo: routed.has(uplink),
        isReady: isReady(ni.name),
      })),
    );
}
