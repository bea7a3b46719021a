import { run } from '../../shared/kernel/run.ts';

/** What the kernel has in a switch's namespace. */
export interface ActualSwitch {
  links: Map<string, SwitchLink>;
  /** null: there is no bridge by that name. */
  bridge: { stp: boolean; filtersVlans: boolean; canFilterVlans: boolean } | null;
  /** `<mac> <port>` and `<mac> <port> <vlan>` of the bridge's static entries. */
  fdb: Set<string>;
  /** Port -> VLAN -> `pvid untagged`, or nothing for a tagged one. */
  vlans: Map<string, Map<number, string>>;
}

export interface SwitchLink {
  up: boolean;
  /** Somebody holds its other end. */
  carrier: boolean;
  mtu: number;
  mac: string;
  master: string;
  /** With prefix length. */
  addresses: string[];
  /** As a bridge port; null when it is none. `flags` as `ip link set type bridge_slave` takes them. */
  port: { state: string; flags: string } | null;
}

interface IpLink {
  ifname: string;
  flags: string[];
  mtu: number;
  address: string;
  master?: string;
  addr_info: { local: string; prefixlen: number }[];
  linkinfo?: {
    info_kind?: string;
    info_data?: { stp_state?: number; vlan_filtering?: number; vlan_default_pvid?: number };
    info_slave_kind?: string;
    info_slave_data?: { state: string; locked?: boolean; learning: boolean; flood: boolean; guard: boolean };
  };
}

interface FdbEntry {
  mac: string;
  ifname: string;
  master?: string;
  state?: string;
  vlan?: number;
}

interface PortVlans {
  ifname: string;
  vlans: { vlan: number; vlanEnd?: number; flags?: string[] }[];
}

/** Reads links, the bridge's static entries and the VLANs of its ports. */
export async function readActualSwitch(bridge: string): Promise<ActualSwitch> {
  const [links, fdb, vlans] = await Promise.all([
    run('ip', ['-j', '-d', 'addr', 'show']),
    run('bridge', ['-j', 'fdb', 'show']),
    run('bridge', ['-j', 'vlan', 'show']),
  ]);
  // `ip -j addr show` prints empty objects for links that its filter left out.
  const found = (parse(links) as Partial<IpLink>[]).filter((link): link is IpLink => link.ifname !== undefined);
  const { info_kind, info_data } = found.find(({ ifname }) => ifname === bridge)?.linkinfo ?? {};
  const isOwn = (entry: FdbEntry) => entry.master === bridge && entry.state === 'static';
  return {
    links: new Map(found.map(link => [link.ifname, toLink(link)])),
    bridge:
      info_kind !== 'bridge'
        ? null
        : {
            stp: info_data?.stp_state === 1,
            filtersVlans: info_data?.vlan_filtering === 1,
            // `vlan_filtering` is told by every kernel, this only by those that were built with it.
            canFilterVlans: info_data?.vlan_default_pvid !== undefined,
          },
    fdb: new Set(
      (parse(fdb) as FdbEntry[])
        .filter(isOwn)
        .map(({ mac, ifname, vlan }) => `${mac} ${ifname}${vlan === undefined ? '' : ` ${vlan}`}`),
    ),
    vlans: new Map((parse(vlans) as PortVlans[]).map(port => [port.ifname, toVlans(port)])),
  };
}

function parse(json: string): unknown[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as unknown[]);
}

function toLink({ flags, mtu, address, master = '', addr_info, linkinfo }: IpLink): SwitchLink {
  const port = linkinfo?.info_slave_kind === 'bridge' ? linkinfo.info_slave_data : undefined;
  const onOff = (value: boolean | undefined) => (value ? 'on' : 'off');
  return {
    up: flags.includes('UP'),
    carrier: flags.includes('LOWER_UP'),
    mtu,
    mac: address,
    master,
    addresses: addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    port: port
      ? {
          state: port.state,
          flags: `locked ${onOff(port.locked)} learning ${onOff(port.learning)} flood ${onOff(port.flood)} guard ${onOff(port.guard)}`,
        }
      : null,
  };
}

function toVlans({ vlans }: PortVlans): Map<number, string> {
  const flat = vlans.flatMap(({ vlan, vlanEnd = vlan, flags = [] }) => {
    const words = [flags.includes('PVID') && 'pvid', flags.includes('Egress Untagged') && 'untagged'].filter(Boolean);
    return Array.from({ length: vlanEnd - vlan + 1 }, (_, i) => [vlan + i, words.join(' ')] as const);
  });
  return new Map(flat);
}
