import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { UplinkConfig } from '../../shared/config/model.ts';
import { run } from '../../shared/kernel/run.ts';
import { showIp } from '../../shared/kernel/show-ip.ts';

/** An uplink as it is now. */
export interface Uplink {
  config: UplinkConfig;
  interface: string;
  exists: boolean;
  /** It is in a switch and nowhere else: nothing can be routed over it. */
  isMoved: boolean;
  up: boolean;
  mtu: number;
  /** With prefix length. */
  addresses: string[];
  gateway?: string;
  dnsServers: string[];
}

/** An uplink that is in a switch's namespace; shared: the device has a stand-in of its name. */
export interface HeldUplink {
  interface: string;
  netPath: string;
  isShared: boolean;
}

interface IpLink {
  ifname?: string;
  flags: string[];
  mtu: number;
  addr_info: { local: string; prefixlen: number; scope: string }[];
}

/** Reads the uplinks' state from the kernel; what the config says of gateway and DNS goes before what the device has. */
export async function observeUplinks(
  configs: readonly UplinkConfig[],
  resolvConf: string,
  held: readonly HeldUplink[] = [],
): Promise<Uplink[]> {
  const moved = held.filter(({ isShared }) => !isShared);
  const [[own, defaults], resolvers, movedLinks] = await Promise.all([
    showIp<[IpLink[], { dev: string; gateway?: string }[]]>(['address show', 'route show default']), // of IPv4, as no family is named
    readResolvers(resolvConf),
    Promise.all(moved.map(port => readMoved(port).catch(() => []))),
  ]);
  const movedNames = new Set(moved.map(port => port.interface));
  const found = [...own.filter(({ ifname }) => !movedNames.has(ifname ?? '')), ...movedLinks.flat()];
  return configs.map(config => {
    const link = found.find(({ ifname }) => ifname === config.interface);
    const gateway = config.gateway ?? defaults.find(({ dev }) => dev === config.interface)?.gateway;
    const fallback = resolvers.length > 0 ? resolvers : gateway ? [gateway] : [];
    return {
      config,
      interface: config.interface,
      exists: link !== undefined,
      isMoved: movedNames.has(config.interface),
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

async function readMoved({ netPath, interface: name }: HeldUplink): Promise<IpLink[]> {
  return JSON.parse(await run('nsenter', [`--net=${netPath}`, '--', 'ip', '-j', 'addr', 'show', 'dev', name]));
}

/** The device's resolvers; loopback ones are useless from another namespace. */
async function readResolvers(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map(match => match[1]!)
    .filter(address => isIP(address) !== 0 && !address.startsWith('127.') && address !== '::1');
}
