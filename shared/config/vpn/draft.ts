import type { Told } from '../issue.ts';

/** What a document says of a VPN, in whatever format, before it is known whether it makes sense. */
export interface VpnDraft {
  localBreakout: boolean;
  tunnels: TunnelDraft[];
}

export interface TunnelDraft {
  /** Where it is described: for what is missing. */
  path: string;
  /** Something unreadable was left out and told, so nothing can be concluded from what is missing. */
  isPartial: boolean;
  name: Told<string>;
  role: 'client' | 'server';
  mode: Told<'policy' | 'route'>;
  ikeVersion: Told<number | undefined>;
  remoteGateway: Told<string | undefined>;
  localId: Told<string | undefined>;
  remoteId: Told<string | undefined>;
  psk: Told<string | undefined>;
  certificate: Told<string | undefined>;
  privateKey: Told<string | undefined>;
  authorities: Told<string>[];
  localSubnets: Told<string>[];
  remoteSubnets: Told<string>[];
  /** Where remote subnets are to be written. */
  remoteSubnetsPath: string;
  ikeProposals: Told<string>[];
  espProposals: Told<string>[];
  ikeRekey: Told<number | undefined>;
  espRekey: Told<number | undefined>;
  dpdDelay: Told<number | undefined>;
  tunnelAddress: Told<string | undefined>;
  tunnelPeer: Told<string | undefined>;
  mtu: Told<number | undefined>;
}
