import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { UplinkConfig } from '../../shared/config/model.ts';
import { run } from '../../shared/kernel/run.ts';

/** An uplink as it is now. */
export interface Uplink {
  config: UplinkConfig;
  interface: string;
  exists: boolean;
  up: boolean;
  mtu: number;
  /** With prefix length. */
  addresses: string[];
  gateway?: string;
  dnsServers: string[];
}

/** Reads the uplinks' state from the kernel; what the config says of gateway and DNS goes before what the device has. */
export async function observeUplinks(configs: readonly UplinkConfig[], resolvConf: string): Promise<Uplink[]> {
  const [links, routes, resolvers] = await Promise.all([
    run('ip', ['-j', 'addr', 'show']),
    run('ip', ['-j', '-4', 'route', 'show', 'default']),
    readResolvers(resolvConf),
  ]);
  const found = JSON.parse(links) as {
    ifname?: string;
    flags: string[];
    mtu: number;
    addr_info: { local: string; prefixlen: number; scope: string }[];
  }[];
  const defaults = JSON.parse(routes || '[]') as { dev: string; gateway?: string }[];
  return configs.map(config => {
    const link = found.find(({ ifname }) => ifname === config.interface);
    const gateway = config.gateway ?? defaults.find(({ dev }) => dev === config.interface)?.gateway;
    const fallback = resolvers.length > 0 ? resolvers : gateway ? [gateway] : [];
    return {
      config,
      interface: config.interface,
      exists: link !== undefined,
      up: link?.flags.includes('UP') ?? false,
      mtu: link?.mtu ?? 1500,
      addresses: (link?.addr_info ?? [])
        .filter(({ scope }) => scope === 'global')
        .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      ...(gateway !== undefined && { gateway }),
      dnsServers: config.dnsServers.length > 0 ? config.dnsServers : fallback,
    };
  });
}

/** The device's resolvers; loopback ones are useless from another namespace. */
async function readResolvers(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map(match => match[1]!)
    .filter(address => isIP(address) !== 0 && !address.startsWith('127.') && address !== '::1');
}
