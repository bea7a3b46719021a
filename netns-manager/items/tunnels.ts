import type { VpnStatus } from '../../shared/proto/messages.ts';
import type { Intent } from '../intent.ts';
import { type Item, itemKey } from './item.ts';
import { UPLINK_LINK } from './links.ts';
import { NFT } from './services.ts';

export const CHARON = itemKey('charon', 'ike');
/** What leads into tunnels: rule, routes and devices that belong to no tunnel any more. */
export const TUNNEL_ROUTES = itemKey('route', 'tunnels');

/** charon and the tunnels of a VPN; what is no VPN has none. */
export function tunnelItems({ config }: Intent, status: VpnStatus | null): Item[] {
  if (!config.vpn) return [];
  const charon: Item = {
    kind: 'charon',
    id: 'ike',
    intended: 'running',
    actual: status?.charonPid ? 'running' : 'not running',
    dependsOn: [UPLINK_LINK, NFT],
  };
  const tunnels = config.vpn.tunnels.map(({ name, server }): Item => {
    const state = status?.tunnels.find(tunnel => tunnel.name === name)?.state ?? 'down';
    const intended = server && state === 'listening' ? state : 'up';
    return { kind: 'tunnel', id: name, intended, actual: state, dependsOn: [CHARON] };
  });
  return [charon, ...tunnels];
}

/** Why tunnels are not up, by item. */
export function tunnelErrors(status: VpnStatus | null): [item: string, error: string][] {
  const down = (status?.tunnels ?? []).filter(({ state, error }) => state !== 'up' && error !== '');
  return [
    ...(status?.error ? [[CHARON, status.error] as [string, string]] : []),
    ...down.map(({ name, error }): [string, string] => [itemKey('tunnel', name), error]),
  ];
}
