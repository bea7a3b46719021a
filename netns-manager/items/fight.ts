import { Fights } from '../../shared/reconcile/fights.ts';
import { BRIDGE_NF } from '../sysctls.ts';
import { itemKey } from './item.ts';
import { TUNNEL_ROUTES } from './tunnels.ts';

const GUARDING_SYSCTLS: readonly string[] = BRIDGE_NF.map(path => itemKey('sysctl', path));

/**
 * Whether an item keeps traffic apart: the rules, what leads bridged frames through them, ports locked to their MACs, and the routes
 * that close remote networks while their tunnel is down. As long as somebody undoes such an item, traffic passes unfiltered or in clear
 * between his doing and our repair, so that is never put off for more than a second.
 */
export function isGuard(item: string): boolean {
  const [kind = ''] = item.split(':', 1);
  return ['nft', 'vif', 'port', 'tunnel'].includes(kind) || item === TUNNEL_ROUTES || GUARDING_SYSCTLS.includes(item);
}

/** The fights of one network instance. */
export function instanceFights(): Fights {
  return new Fights({ isGuard });
}
