import type { ResourceLimits } from './resources.ts';
import type { SupervisionLimits } from './supervision.ts';

/**
 * The validated device configuration: what every reader (nibox YAML/JSON, EVE JSON) produces and what the supervisor consumes.
 * Nothing in here needs checking again. Addresses are canonical text, lists are never undefined.
 */

export interface DeviceConfig {
  device: DeviceIdentity;
  uplinks: UplinkConfig[];
  networkInstances: NetworkInstance[];
  apps: App[];
  /** Pool for the transit /30s, CIDR. Default 169.254.64.0/18. */
  transitPool: string;
  /** First host uid of the first NI's range; NI number n owns uidBase + 65536*(n-1) .. +65535. Default 200000. */
  uidBase: number;
  /** Seal each NI in a user namespace of its own; false: by uid and capabilities alone. Default true. */
  userNamespaces: boolean;
  /** Let packets pass from one uplink to another. Default false. */
  forwardBetweenUplinks: boolean;
  supervision: SupervisionLimits;
  /** For the supervisor's own log; each network instance has its limits with these as defaults. */
  resources: ResourceLimits;
}

export interface DeviceIdentity {
  uuid: string;
  name: string;
  projectName: string;
  projectUuid: string;
  enterpriseName: string;
  enterpriseUuid: string;
}

export interface UplinkConfig {
  /** Interface name in the supervisor's namespace, e.g. eth0. */
  interface: string;
  /** Logical label by which NIs name it; default the interface name. */
  label: string;
  /** Shared labels beside `all`; `uplink` and `freeuplink` are set by the readers. */
  sharedLabels: string[];
  cost: number;
  /** Next hop; absent: taken from the kernel's main table. */
  gateway?: string;
  /** Upstream DNS servers; empty: the device's resolvers, else the gateway. */
  dnsServers: string[];
  ntpServers: string[];
}

export type NetworkInstanceKind = 'local' | 'switch' | 'vpn';

export interface NetworkInstance {
  /** Unique, [A-Za-z0-9][A-Za-z0-9_.-]{0,62}; used in paths and names. */
  name: string;
  /** Unique, lower case; derived from the name when the config has none. */
  uuid: string;
  type: NetworkInstanceKind;
  activate: boolean;
  /** Logical label of one uplink, or a shared label; empty: air-gapped. */
  port: string;
  mtu: number;
  /** Absent on switch NIs. */
  ipv4?: IpNetwork;
  ipv6?: IpNetwork;
  /** DHCP option 6; empty: the NI's own DNS. */
  dnsServers: string[];
  domain: string;
  ntpServers: string[];
  dnsHosts: { name: string; addresses: string[] }[];
  propagateConnectedRoutes: boolean;
  staticRoutes: { destination: string; gateway: string }[];
  flowLog: boolean;
  /** Only on VPN NIs. */
  vpn?: VpnConfig;
  resources: ResourceLimits;
  /** This NI's own errors. Not empty: it is refused, everything else is applied. */
  issues: Issue[];
}

export interface VpnConfig {
  /** Let traffic that no tunnel is for out through the uplink. Default false: it is dropped. */
  localBreakout: boolean;
  /** At least one. */
  tunnels: VpnTunnel[];
}

export interface VpnTunnel {
  /** Unique in the NI, [A-Za-z0-9_-]{1,32}. */
  name: string;
  /** A client calls, at once and for ever; a server waits to be called. */
  role: 'client' | 'server';
  /** policy: traffic selectors decide what goes in; route: an interface and routes do. */
  mode: 'policy' | 'route';
  ikeVersion: 1 | 2;
  /** IP address; `%any` for a server that takes whoever has the key. */
  remoteGateway: string;
  /** Empty: the uplink's address (PSK) or the certificate's subject. */
  localId: string;
  /** Empty: the remote address (client), anybody who proves himself (server). `%any`: the latter for clients too. */
  remoteId: string;
  auth: { kind: 'psk'; secret: string } | VpnCertificateAuth;
  /** CIDR; default the NI's subnet. Route-based: not negotiated, as the selectors are 0.0.0.0/0 on both sides. */
  localSubnets: string[];
  /** Route-based: what is routed into the tunnel. */
  remoteSubnets: string[];
  /** In strongSwan's words, best first; never empty. */
  ikeProposals: string[];
  espProposals: string[];
  /** Seconds. */
  ikeRekey: number;
  espRekey: number;
  dpdDelay: number;
  /** Route-based: address of the tunnel interface with prefix length, and the other side's. */
  tunnelAddress?: string;
  tunnelPeer?: string;
  /** Bytes inside the tunnel; absent: derived from the uplink's. */
  mtu?: number;
}

/** All PEM. */
export interface VpnCertificateAuth {
  kind: 'certificate';
  /** This side's, with intermediate ones after it. */
  certificate: string;
  privateKey: string;
  /** Who may have signed the other side's certificate. */
  authorities: string[];
}

export interface IpNetwork {
  subnet: string;
  gateway: string;
  /** DHCP range, inclusive. */
  rangeStart: string;
  rangeEnd: string;
}

export interface App {
  /** Display name, unique; same alphabet as an NI's. */
  name: string;
  uuid: string;
  activate: boolean;
  attach: Attachment;
  interfaces: AppInterface[];
}

/** How the app's end of a VIF finds its way to the app. `byName` waits for a namespace `<name>` or `<prefix>-<name>`. */
export type Attachment =
  | { kind: 'byName' }
  | { kind: 'netns'; path: string }
  | { kind: 'pid'; pid: number }
  /** `user` may open it: a name or a number. */
  | { kind: 'tap'; user: string };

export interface AppInterface {
  /** The interface's name in the config, unique within (app, NI). */
  name: string;
  /** Name that the app's end gets in the app's namespace, e.g. eth0. */
  device: string;
  /** Name of the NI. */
  networkInstance: string;
  /** Set by the user; else the supervisor derives one. */
  mac?: string;
  /** Static addresses, outside the DHCP range. */
  ipv4?: string;
  ipv6?: string;
  accessVlan: number;
  acl: Ace[];
  /** This interface's own errors. Not empty: it is refused, everything else is applied. */
  issues: Issue[];
}

export type AceAction =
  | { kind: 'allow' }
  | { kind: 'drop' }
  | { kind: 'limit'; rate: number; unit: 'second' | 'minute' | 'hour' | 'day'; burst: number }
  | { kind: 'portmap'; appPort: number };

/** Access control entry: all given matches must hold; first matching ACE decides. */
export interface Ace {
  /** 1..4194302, unique in its interface. */
  id: number;
  name: string;
  direction: 'both' | 'ingress' | 'egress';
  match: {
    ip?: string;
    host?: string;
    eidset?: boolean;
    protocol?: string;
    lport?: string;
    fport?: string;
    adapter?: string;
  };
  action: AceAction;
}

export interface Issue {
  /** `networkInstances[3].cfg.oconfig`, in the words of the document that was read. */
  path: string;
  /** The offending value as JSON, cut at 80 characters. */
  value: string;
  reason: string;
  remedy: string;
  /** document: nothing is applied; ni / interface: that one is refused; warning: told only. */
  scope: 'document' | 'ni' | 'interface' | 'warning';
}

/** What reading a config file gives. `config` is absent when an issue of scope `document` was found. */
export interface ReadResult {
  config?: DeviceConfig;
  /** All issues, those of NIs and interfaces included, in document order. */
  issues: Issue[];
  /** Which reader understood the document. */
  format: 'nibox' | 'eve';
}
