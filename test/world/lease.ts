import { readFile } from 'node:fs/promises';

/** What a DHCP server told a client, as the client's hook noted it. Empty text or list: it did not say. */
export interface Lease {
  /** Without prefix length. */
  address: string;
  prefixLength: number;
  routers: string[];
  dnsServers: string[];
  /** Bytes; 0: the server did not say. */
  mtu: number;
  domain: string;
  ntpServers: string[];
  /** Option 121: destination and gateway (0.0.0.0: on the link). */
  routes: { destination: string; gateway: string }[];
  seconds: number;
  server: string;
}

/** Reads `key=value` lines as the lease script and the probe write them. */
export function parseLease(text: string): Lease | undefined {
  const fields = new Map(
    text.split('\n').map(line => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  const one = (key: string) => fields.get(key) ?? '';
  const list = (key: string) => one(key).split(/\s+/).filter(Boolean);
  if (!one('ip')) return undefined;
  const routes = list('routes');
  return {
    address: one('ip'),
    prefixLength: Number(one('mask')),
    routers: list('router'),
    dnsServers: list('dns'),
    mtu: Number(one('mtu')),
    domain: one('domain'),
    ntpServers: list('ntp'),
    routes: routes
      .filter((_, index) => index % 2 === 0)
      .map((destination, index) => ({ destination, gateway: routes[2 * index + 1] ?? '' })),
    seconds: Number(one('seconds')),
    server: one('server'),
  };
}

/** The lease in a file; undefined while there is none. */
export async function readLease(file: string): Promise<Lease | undefined> {
  return parseLease(await readFile(file, 'utf8').catch(() => ''));
}
