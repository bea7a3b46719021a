import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { parseAddress } from '../net/address.ts';

/** Names of network instances and apps: they become parts of paths, host names and kernel names. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Lower case with dashes, or null. Versions and variants are not looked at: controllers make up their own. */
export function canonicalUuid(text: string): string | null {
  return UUID_PATTERN.test(text) ? text.toLowerCase() : null;
}

/** Always the same UUID for the same kind and name. */
export function uuidFromName(kind: 'device' | 'network instance' | 'app', name: string): string {
  const hex = createHash('sha256').update(`nibox ${kind} ${name}`).digest('hex');
  // RFC 9562: version 8 (own scheme), variant 10.
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Whether Linux takes it as the name of an interface that someone may have made on purpose. */
export function isInterfaceName(text: string): boolean {
  return /^[!-~]{1,15}$/.test(text) && !/[/:%]/.test(text) && !['.', '..', 'lo', 'all', 'default'].includes(text);
}

/** Lower case, colons: `00:16:3e:00:01:02`; null for what is no address of a single interface. */
export function canonicalMac(text: string): string | null {
  if (!/^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(text)) return null;
  const mac = text.toLowerCase().replaceAll('-', ':');
  const isGroup = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return isGroup || mac === '00:00:00:00:00:00' ? null : mac;
}

/** A host or domain name in lower-case ASCII without the final dot, or null. Addresses are no names. */
export function canonicalHostName(text: string): string | null {
  const plain = text.replace(/\.$/, '');
  const ascii = /[^\x20-\x7e]/.test(plain) ? domainToASCII(plain) : plain.toLowerCase();
  if (ascii === '' || ascii.length > 253 || parseAddress(ascii) || /^[\d.]+$/.test(ascii)) return null;
  const isName = ascii.split('.').every(label => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return isName ? ascii : null;
}
