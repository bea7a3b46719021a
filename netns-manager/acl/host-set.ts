import { createHash } from 'node:crypto';
import type { Family } from './prefix.ts';

/**
 * The names of the sets that hold the addresses of a domain and its subdomains, one per family; dnsmasq fills them
 * (`nftset=/DOMAIN/4#inet#nibox#host4_...,6#inet#nibox#host6_...`). Hashed, because domain names are longer than set names may be.
 */
export function hostSetName(domain: string, family: Family): string {
  const hash = createHash('sha256').update(normalizeDomain(domain)).digest('hex').slice(0, 16);
  return `host${family}_${hash}`;
}

/** Lower case, without a leading or trailing dot. */
export function normalizeDomain(domain: string): string {
  return domain
    .trim()
    .toLowerCase()
    .replace(/^\.+|\.+$/g, '');
}

/** Whether a host ACE for `domain` speaks of `name`: the same name or a subdomain. */
export function domainCovers(domain: string, name: string): boolean {
  const [outer, inner] = [normalizeDomain(domain), normalizeDomain(name)];
  return inner === outer || inner.endsWith(`.${outer}`);
}
