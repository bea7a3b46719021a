import type { Check } from './check.ts';
import { appChecks } from './checks/apps.ts';
import { dhcpChecks } from './checks/dhcp.ts';
import { internetChecks } from './checks/internet.ts';
import { isolationChecks } from './checks/isolation.ts';
import { metadataChecks } from './checks/metadata.ts';
import { portmapChecks } from './checks/portmaps.ts';
import { switchChecks } from './checks/switch.ts';
import { vpnChecks } from './checks/vpn.ts';

/** A check of the scenario that can't be made yet: what it looks at does not exist. */
export interface PlannedCheck {
  id: string;
  title: string;
  /** What has to exist first. */
  waitsFor: string;
}

/** All checks that can be made, by id. C30 is `checkStopped`: it is made when nibox has gone. */
export const checks: readonly Check[] = [
  ...dhcpChecks,
  ...internetChecks,
  ...appChecks,
  ...portmapChecks,
  ...metadataChecks,
  ...isolationChecks,
  ...switchChecks,
  ...vpnChecks,
].sort((a, b) => a.id.localeCompare(b.id));

/** Checks of the scenario that wait for something to be built; they are reported, and count as failed. */
export const plannedChecks: readonly PlannedCheck[] = [
  { id: 'C16', title: 'both tunnels come up unasked, shown in the status', waitsFor: 'IPsec responders on the clouds' },
  {
    id: 'C20',
    title: 'no connection and no clear text while the peer is down',
    waitsFor: 'IPsec responders on the clouds',
  },
  { id: 'C21', title: 'the tunnel comes back with its peer', waitsFor: 'IPsec responders on the clouds' },
  { id: 'C29', title: 'a guest on a TAP VIF of ni3 fetches github.com', waitsFor: 'TAP VIFs and a guest to run' },
];
