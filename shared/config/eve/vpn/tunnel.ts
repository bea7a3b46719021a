import { canonicalCidr, cidrContains, parseAddress, parseCidr, parseHostAddress } from '../../../net/address.ts';
import type { TunnelDraft } from '../../vpn/draft.ts';
import { specialKind } from '../../vpn/special.ts';
import { CLIENT, type FieldReport, readFields, type SETTINGS, TUNNEL } from './fields.ts';

/** Roles of EVE's old VPN network instance, and whether they call or are called. */
export const ROLES = {
  awsClient: 'client',
  azureClient: 'client',
  onPremClient: 'client',
  onPremServer: 'server',
} as const;

/** Words instead of addresses and subnets. */
export const UPLINK = 'upLink';
export const ANY = '%any';
export const APP_NET = 'appNet';

const LINK_LOCAL = parseCidr('169.254.0.0/16')!;

type Settings = ReturnType<typeof readFields<typeof SETTINGS>>;

export interface RoleContext {
  /** Of the opaque text. */
  path: string;
  /** The network instance's own, canonical; undefined: it has none that can be read, which is told elsewhere. */
  subnet: string | undefined;
  settings: Settings;
  fields: FieldReport;
}

export interface Peer {
  ipAddr: string;
  subnetBlock: string;
  key: string;
  /** Addresses of the tunnel's interface. */
  localIp: string;
  remoteIp: string;
}

/** The entries of ClientConfigList; keys and tunnel addresses that one does not have come from the top. */
export function readPeers({ settings, fields }: RoleContext): Peer[] {
  return settings.ClientConfigList.map((object, index) => {
    const place = `ClientConfigList[${index}].`;
    const { IpAddr, SubnetBlock, PreSharedKey, TunnelConfig } = readFields(object, CLIENT, place, fields);
    const { LocalIpAddr, RemoteIpAddr } = readFields(TunnelConfig, TUNNEL, `${place}TunnelConfig.`, fields);
    const localIp = checkLinkLocal(`${place}TunnelConfig.LocalIpAddr`, LocalIpAddr, fields);
    const remoteIp = checkLinkLocal(`${place}TunnelConfig.RemoteIpAddr`, RemoteIpAddr, fields);
    return { ipAddr: IpAddr, subnetBlock: SubnetBlock, key: PreSharedKey, localIp, remoteIp };
  });
}

/** An address of one host; words for others are the caller's to take out before. */
export function checkAddress(name: string, value: string, fields: FieldReport): void {
  const address = parseAddress(value);
  if (address?.family !== 4) {
    fields.refuse(value, `${name} is not an IP address`, 'write one in IPv4, for example 192.0.2.1');
    return;
  }
  const kind = specialKind(address);
  if (kind) fields.refuse(value, `${name} is ${kind}`, 'write the address of one host, for example 192.0.2.1');
}

/** Canonical, with `appNet` in its meaning; undefined when it is refused or the network instance's subnet is not known. */
export function resolveSubnet(name: string, value: string, { subnet, fields }: RoleContext): string | undefined {
  if (value === APP_NET) return subnet;
  const cidr = parseCidr(value);
  if (cidr?.family === 4) return canonicalCidr(value)!;
  return void fields.refuse(value, `${name} is not a subnet`, `write it as network/length, or ${APP_NET}`);
}

/** Refuses what should be the network instance's subnet and is another. */
export function checkOwnSubnet(name: string, value: string, context: RoleContext): void {
  const resolved = resolveSubnet(name, value || APP_NET, context);
  const { subnet, fields } = context;
  if (!resolved || !subnet || resolved === subnet) return;
  fields.refuse(value, `${name} is not the network instance's subnet (${subnet})`, `write ${APP_NET}, or leave it out`);
}

export function checkLinkLocal(name: string, value: string, fields: FieldReport): string {
  const address = value === '' ? undefined : parseHostAddress(value)?.address;
  if (value !== '' && !(address && cidrContains(LINK_LOCAL, address))) {
    const remedy = 'write it with the length of its prefix, for example 169.254.10.2/30';
    fields.refuse(value, `${name} is not a link-local address`, remedy);
  }
  return value;
}

export interface TunnelParts {
  index: number;
  mode: 'policy' | 'route';
  remoteGateway: string;
  localId?: string | undefined;
  remoteId?: string | undefined;
  key: string;
  remoteSubnets: string[];
  localIp?: string | undefined;
  remoteIp?: string | undefined;
}

/** One tunnel; what the opaque JSON has no words for is left to the defaults. */
export function tunnelDraft({ path, settings }: RoleContext, parts: TunnelParts): TunnelDraft {
  const told = <T>(value: T) => ({ path, value });
  const role = settings.VpnRole as keyof typeof ROLES;
  const proposals = (list: string[]) => list.filter(one => one !== '').map(told);
  const isRouted = parts.mode === 'route';
  return {
    path,
    isPartial: false,
    name: told(`${role}_${parts.index}`),
    role: ROLES[role],
    mode: told(parts.mode),
    ikeVersion: told(settings.IkeVersion),
    remoteGateway: told(parts.remoteGateway),
    localId: told(parts.localId),
    remoteId: told(parts.remoteId),
    psk: told(parts.key),
    certificate: told(undefined),
    privateKey: told(undefined),
    authorities: [],
    localSubnets: [],
    remoteSubnets: parts.remoteSubnets.map(told),
    remoteSubnetsPath: path,
    ikeProposals: proposals(settings.IkeProposals),
    espProposals: proposals(settings.EspProposals),
    ikeRekey: told(undefined),
    espRekey: told(undefined),
    dpdDelay: told(undefined),
    tunnelAddress: told(isRouted ? parts.localIp || undefined : undefined),
    tunnelPeer: told(isRouted ? parts.remoteIp || undefined : undefined),
    mtu: told(undefined),
  };
}
