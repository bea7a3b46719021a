import { sha256 } from '../../shared/digest.ts';
import type { Family } from './prefix.ts';

/**
 * The names of the sets that hold the addresses of a domain and its subdomains, one per family; dnsmasq fills them
 * (`nftset=/DOMAIN/4#inet#nibox#host4_...,6#inet#nibox#host6_...`). Hashed, because domain names are longer than set names may be.
 */
export function hostSetName(domain: string, family: Family): string {
  return `host${family}_${hashOf(normalizeDomain(domain))}`;
}

/** Of a long ACL each domain is asked for dozens of times in one pass. */
const known = new Map<string, string>();
/** Entries; then it begins anew. Some 0.1 KB each. */
const MOST_KNOWN = 2048;

function hashOf(domain: string): string {
  const found = known.get(domain);
  if (found !== undefined) return found;
  if (known.size >= MOST_KNOWN) known.clear();
  const hash = sha256(domain).slice(0, 16);
  known.set(domain, hash);
  return hash;
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
