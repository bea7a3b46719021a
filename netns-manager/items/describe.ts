import type { VpnStatus } from '../../shared/proto/messages.ts';
import type { ActualLinks } from '../bridge/actual.ts';
import type { Intent } from '../intent.ts';
import type { Item } from './item.ts';
import { linkItems } from './links.ts';
import { routeItems } from './routes.ts';
import { dnsmasqItem, metadataItem, nftItem, sysctlItems } from './services.ts';
import { tunnelItems } from './tunnels.ts';
import { vifItems } from './vifs.ts';

/** What a pass found, beside errors. */
export interface Found {
  /** Path below /proc/sys -> value. */
  sysctls: ReadonlyMap<string, string>;
  wantedSysctls: ReadonlyMap<string, string>;
  links: ActualLinks;
  /** The rules in the kernel are those of the intent. */
  rulesLoaded: boolean;
  dnsmasqRuns: boolean;
  metadataListens: boolean;
  /** Null: not a VPN, or nothing is known yet. */
  vpn: VpnStatus | null;
}

/** Every item of a routed network instance in the order of layers: an item comes after all that it depends on. */
export function describeItems(intent: Intent, found: Found): Item[] {
  return [
    ...sysctlItems(found.wantedSysctls, found.sysctls),
    nftItem(intent, found.rulesLoaded),
    ...linkItems(intent, found.links),
    ...routeItems(intent, found.links),
    ...vifItems(intent, found.links),
    dnsmasqItem(intent, found.dnsmasqRuns),
    metadataItem(found.metadataListens),
    ...tunnelItems(intent, found.vpn),
  ];
}
