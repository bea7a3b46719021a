import type { Check } from './check.ts';
import { appChecks } from './checks/apps.ts';
import { dhcpChecks } from './checks/dhcp.ts';
import { guestChecks } from './checks/guest.ts';
import { internetChecks } from './checks/internet.ts';
import { isolationChecks } from './checks/isolation.ts';
import { metadataChecks } from './checks/metadata.ts';
import { portmapChecks } from './checks/portmaps.ts';
import { switchChecks } from './checks/switch.ts';
import { vpnChecks } from './checks/vpn.ts';

/** All checks, by id. C30 is `checkStopped`: it is made when nibox has gone. */
export const checks: readonly Check[] = [
  ...dhcpChecks,
  ...internetChecks,
  ...appChecks,
  ...portmapChecks,
  ...metadataChecks,
  ...isolationChecks,
  ...switchChecks,
  ...vpnChecks,
  ...guestChecks,
].sort((a, b) => a.id.localeCompare(b.id));
