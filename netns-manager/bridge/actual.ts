import { run } from '../../shared/kernel/run.ts';
import { showIp } from '../../shared/kernel/show-ip.ts';

/** What the kernel has in this namespace, as far as the manager owns it. */
export interface ActualLinks {
  links: Map<string, ActualLink>;
  defaultRoutes: string[];
  routes: { destination: string; gateway: string }[];
  /** `<mac> <port>` of the bridge's static entries. */
  fdb: Set<string>;
}

export interface ActualLink {
  name: string;
  /** "bridge", "veth", …; empty: a device of no kind, such as lo. */
  kind: string;
  up: boolean;
  /** The other end is up; a TAP: somebody has it open. */
  carrier: boolean;
  mtu: number;
  mac: string;
  master: string;
  /** With prefix length. */
  addresses: string[];
  /** As a bridge port: `locked on learning off`. */
  lockedPort: boolean;
}

interface IpLink {
  ifname: string;
  flags: string[];
  mtu: number;
  address: string;
  master?: string;
  addr_info: { local: string; prefixlen: number; scope: string }[];
  linkinfo?: { info_kind?: string; info_slave_data?: { locked?: boolean; learning?: boolean } };
}

interface IpRoute {
  table: string;
  dst: string;
  gateway?: string;
}

/** Reads links, addresses, routes and the bridge's static entries. */
export async function readActual(bridge: string): Promise<ActualLinks> {
  const [[links, allRoutes], fdb] = await Promise.all([
    showIp<[IpLink[], IpRoute[]]>(['address show', 'route show table all'], { flags: ['-d'] }), // of both families
    run('bridge', ['-j', 'fdb', 'show']),
  ]);
  const routes = allRoutes.filter(({ table }) => table === 'main');
  const entries = parse(fdb) as { mac: string; ifname: string; master?: string; state?: string }[];
  return {
    links: new Map(links.map(link => [link.ifname, toLink(link)])),
    defaultRoutes: routes.filter(({ dst }) => dst === 'default').map(({ gateway }) => gateway ?? ''),
    routes: routes
      .filter(({ dst, gateway }) => dst !== 'default' && gateway !== undefined)
      .map(({ dst, gateway }) => ({ destination: dst, gateway: gateway! })),
    fdb: new Set(
      entries
        .filter(entry => entry.master === bridge && entry.state === 'static')
        .map(({ mac, ifname }) => `${mac} ${ifname}`),
    ),
  };
}

function parse(json: string): unknown[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as unknown[]);
}

function toLink(link: IpLink): ActualLink {
  const port = link.linkinfo?.info_slave_data;
  return {
    name: link.ifname,
    kind: link.linkinfo?.info_kind ?? '',
    up: link.flags.includes('UP'),
    carrier: link.flags.includes('LOWER_UP'),
    mtu: link.mtu,
    mac: link.address,
    master: link.master ?? '',
    addresses: link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    lockedPort: port?.locked === true && port.learning === false,
  };
}
