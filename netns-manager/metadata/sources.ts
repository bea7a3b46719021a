import { parseHostAddress } from '../../shared/net/address.ts';
import type { AppInterfaceConfig, UplinkStatus } from '../../shared/proto/messages.ts';
import type { Lease } from '../dhcp/leases.ts';
import { macAddress } from '../dhcp/names.ts';
import type { Caller } from './caller.ts';

/** The IPv4 addresses by which the outside knows this NI: those of its selected uplinks. */
export function externalAddresses(uplinks: readonly UplinkStatus[]): string[] {
  return uplinks
    .filter(uplink => uplink.selected)
    .flatMap(uplink => uplink.addresses)
    .filter(address => parseHostAddress(address)?.network.family === 4)
    .map(address => address.slice(0, address.indexOf('/')));
}

/** The app that has an address: by config, or by a lease on its MAC address. */
export function findCaller(
  address: string,
  apps: readonly AppInterfaceConfig[],
  leases: readonly Pick<Lease, 'address' | 'mac'>[],
): Caller | null {
  if (address === '') return null; // what an app has that got none
  const lease = leases.find(candidate => candidate.address === address);
  const app =
    apps.find(({ ipv4 }) => ipv4 === address) ?? apps.find(({ mac }) => lease && macAddress(mac) === lease.mac);
  return app ? { appUuid: app.appUuid } : null;
}
