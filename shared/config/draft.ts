import type { Told } from './issue.ts';
import type { Ace, Attachment, DeviceIdentity, Issue, NetworkInstanceKind, UplinkConfig } from './model.ts';
import type { ResourceLimits } from './resources.ts';
import type { SupervisionLimits } from './supervision.ts';
import type { VpnDraft } from './vpn/draft.ts';

/**
 * What a document says, before it is known whether it makes sense. Each reader translates its format into a draft; everything
 * after that is the same for all formats, and speaks of the document in its own words by the paths in here.
 */
export interface DocumentDraft {
  device: DeviceIdentity;
  transitPool?: Told<string> | undefined;
  uidBase?: Told<number> | undefined;
  userNamespaces: boolean;
  forwardBetweenUplinks: boolean;
  supervision: SupervisionLimits;
  resources: ResourceLimits;
  /** Absent: the document names no uplinks, so the ports of its network instances are interface names. */
  uplinks?: UplinkConfig[] | undefined;
  networkInstances: NetworkInstanceDraft[];
  apps: AppDraft[];
}

export interface NetworkInstanceDraft {
  path: string;
  name: string;
  uuid: string;
  /** Something unreadable was left out, so nothing can be concluded from what is missing. */
  isPartial: boolean;
  /** What the reader already found. */
  issues: Issue[];
  type: NetworkInstanceKind;
  activate: boolean;
  flowLog: boolean;
  propagateConnectedRoutes: boolean;
  port: Told<string | undefined>;
  mtu: Told<number | undefined>;
  ipv4: NetworkDraft;
  ipv6: NetworkDraft;
  dnsServers: Told<string>[];
  domain: Told<string | undefined>;
  ntpServers: Told<string>[];
  dnsHosts: { name: Told<string>; addresses: Told<string>[] }[];
  routes: { destination: Told<string | undefined>; gateway: Told<string | undefined> }[];
  vpn: Told<VpnDraft | undefined>;
  resources: ResourceLimits;
}

export interface NetworkDraft {
  subnet: Told<string | undefined>;
  gateway: Told<string | undefined>;
  rangeStart: Told<string | undefined>;
  rangeEnd: Told<string | undefined>;
}

export interface AppDraft {
  name: string;
  uuid: string;
  activate: boolean;
  attach: Attachment;
  interfaces: InterfaceDraft[];
}

export interface InterfaceDraft {
  path: string;
  isPartial: boolean;
  issues: Issue[];
  name: string;
  device: string;
  /** Name of the NI; '' when the reader found none and has said so. */
  networkInstance: string;
  mac: Told<string | undefined>;
  ipv4: Told<string | undefined>;
  ipv6: Told<string | undefined>;
  accessVlan: Told<number | undefined>;
  acl: AceDraft[];
}

export interface AceDraft {
  path: string;
  id: Told<number | undefined>;
  name: string;
  direction: Ace['direction'];
  matches: MatchDraft[];
  actions: ActionDraft[];
}

export interface MatchDraft {
  /** One of ip, host, eidset, protocol, lport, fport, adapter, or something unknown. */
  type: Told<string>;
  value: Told<string>;
}

export type ActionDraft =
  | { kind: 'allow' | 'drop'; path: string }
  | {
      kind: 'limit';
      path: string;
      rate: Told<number | undefined>;
      unit: Told<string | undefined>;
      burst: Told<number | undefined>;
    }
  | { kind: 'portmap'; path: string; appPort: Told<number | undefined> };
