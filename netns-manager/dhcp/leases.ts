import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalAddress } from '../../shared/net/address.ts';
import { readOrEmpty } from '../daemon/whole-file.ts';

/** A line of dnsmasq's lease file. */
export interface Lease {
  /** Unix seconds; 0: never. */
  expiry: number;
  address: string;
  /** DHCPv4: the client's. DHCPv6: as far as its DUID tells, else empty. */
  mac: string;
  /** As the host entry says; empty when there is none. */
  hostname: string;
  /** DHCPv4: client id; DHCPv6: DUID. Hex, or `*`. */
  clientId: string;
}

/** Who an address is meant for, from the host entries. */
export interface AddressOwner {
  mac: string;
  hostname: string;
}

/** How long between two reads that must agree: dnsmasq empties the file, then writes it in pieces. */
const SETTLE_MS = 20;

/** Reads what a lease file says. Lines that are no leases (`duid ...`, a torn last line) are passed over. */
export function parseLeases(text: string): Lease[] {
  return text
    .split('\n')
    .map(parseLease)
    .filter(lease => lease !== null);
}

/** Takes out the leases of addresses that are meant for somebody else now; dnsmasq would keep those from the new owner. */
export function pruneLeases(text: string, owners: ReadonlyMap<string, AddressOwner>): string {
  return text
    .split('\n')
    .filter(line => {
      const lease = parseLease(line);
      return lease === null || !isStale(lease, owners);
    })
    .join('\n');
}

/** Whether a lease file holds a lease that pruneLeases would take out. */
export function hasStaleLease(text: string, owners: ReadonlyMap<string, AddressOwner>): boolean {
  return parseLeases(text).some(lease => isStale(lease, owners));
}

/** Address owners as a rendered dhcp-hosts file says. */
export function addressOwners(dhcpHosts: string): Map<string, AddressOwner> {
  const owners = new Map<string, AddressOwner>();
  for (const line of dhcpHosts.split('\n')) {
    const fields = line.split(',');
    const mac = fields[0] ?? '';
    const last = fields.at(-1) ?? '';
    const addresses = fields.map(field => canonicalAddress(field.replace(/^\[(.*)\]$/, '$1')));
    const hostname = addresses.at(-1) === null ? last : '';
    for (const address of addresses) if (address) owners.set(address, { mac, hostname });
  }
  return owners;
}

/** Reads a lease file that dnsmasq may be writing: the same text twice. A missing file is empty. */
export async function readLeaseFile(file: string): Promise<string> {
  let text = readOrEmpty(file);
  for (let attempt = 0; attempt < 10; attempt++) {
    await sleep(SETTLE_MS);
    const again = readOrEmpty(file);
    if (again === text && (text === '' || text.endsWith('\n'))) break;
    text = again;
  }
  return text;
}

function isStale(lease: Lease, owners: ReadonlyMap<string, AddressOwner>): boolean {
  const owner = owners.get(lease.address);
  if (!owner) return false; // nobody needs the address: its old owner may keep it until it runs out
  if (!lease.address.includes(':')) return lease.mac !== owner.mac;
  // A DUID may carry the MAC of another interface of the client, so the name counts too.
  return lease.mac !== owner.mac && (lease.hostname === '' || lease.hostname !== owner.hostname);
}

/** `expiry mac address hostname client-id`, in DHCPv6 `expiry iaid address hostname duid`. */
function parseLease(line: string): Lease | null {
  const [expiry, second, rawAddress, hostname, clientId, ...rest] = line.split(' ');
  if (!expiry || !second || !rawAddress || !hostname || !clientId || rest.length > 0 || !/^\d+$/.test(expiry))
    return null;
  const address = canonicalAddress(rawAddress);
  if (!address) return null;
  const mac = address.includes(':') ? macOfDuid(clientId) : second.toLowerCase();
  return { expiry: Number(expiry), address, mac, hostname: hostname === '*' ? '' : hostname, clientId };
}

/** DUID-LLT (1) and DUID-LL (3) over Ethernet end in the MAC address. */
function macOfDuid(duid: string): string {
  const isLinkLayer = /^00:01:00:01(:[0-9a-f]{2}){10}$/i.test(duid) || /^00:03:00:01(:[0-9a-f]{2}){6}$/i.test(duid);
  return isLinkLayer ? duid.toLowerCase().slice(-17) : '';
}
