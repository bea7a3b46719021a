/**
 * What an ACL means, written down a second time and as plainly as can be: the kernel's decisions are compared with this. It shares
 * no code with the renderer.
 */
import { BlockList, isIPv4 } from 'node:net';
import { type Ace, AceAction, AceDirection, type AppInterfaceConfig } from '../../../shared/proto/messages.ts';

export interface Flow {
  source: string;
  destination: string;
  protocol: 'tcp' | 'udp';
  sourcePort: number;
  destinationPort: number;
}

export interface Decision {
  allowed: boolean;
  /** Who decided; ACE 0: none matched. */
  vif: number;
  ace: number;
}

export interface Names {
  eids: readonly string[];
  /** Addresses of a domain and its subdomains. */
  hosts: ReadonlyMap<string, readonly string[]>;
}

/** Decides a flow that app `sender` opens, given all VIFs of the NI. */
export function decide(
  flow: Flow,
  sender: AppInterfaceConfig,
  vifs: readonly AppInterfaceConfig[],
  names: Names,
): Decision {
  const sent = firstMatch(sender, ace => ace.direction !== AceDirection.INGRESS && matches(ace, outbound(flow), names));
  if (!sent.allowed) return sent;
  const receiver = vifs.find(vif => vif.ipv4 === flow.destination || vif.ipv6 === flow.destination);
  if (!receiver) return sent;
  const got = firstMatch(receiver, ace => ace.direction !== AceDirection.EGRESS && matches(ace, inbound(flow), names));
  return got.allowed ? sent : got;
}

interface View {
  remote: string;
  protocol: string;
  lport: number;
  fport: number | null;
}

/** The app's own port is the source port; the other side is the destination. */
function outbound(flow: Flow): View {
  return { remote: flow.destination, protocol: flow.protocol, lport: flow.sourcePort, fport: flow.destinationPort };
}

/** The app's own port is the destination port; fport is not looked at. */
function inbound(flow: Flow): View {
  return { remote: flow.source, protocol: flow.protocol, lport: flow.destinationPort, fport: null };
}

function firstMatch(vif: AppInterfaceConfig, isMatch: (ace: Ace) => boolean): Decision {
  const ace = vif.acl.find(candidate => candidate.action !== AceAction.PORTMAP && isMatch(candidate));
  return { allowed: ace !== undefined && ace.action !== AceAction.DROP, vif: vif.vifNumber, ace: ace?.id ?? 0 };
}

function matches(ace: Ace, view: View, names: Names): boolean {
  if (ace.ip !== '' && !inNetwork(view.remote, ace.ip)) return false;
  if (ace.host !== '' && !names.hosts.get(ace.host)?.includes(view.remote)) return false;
  if (ace.eidset && !names.eids.includes(view.remote)) return false;
  if (ace.protocol !== '' && ace.protocol !== view.protocol) return false;
  if (ace.lport !== '' && !inPorts(view.lport, ace.lport)) return false;
  return ace.fport === '' || view.fport === null || inPorts(view.fport, ace.fport);
}

function inNetwork(address: string, network: string): boolean {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  const [base = '', length] = network.split('/');
  if (isIPv4(base) !== isIPv4(address)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(length ?? (isIPv4(base) ? 32 : 128)), family);
  return list.check(address, family);
}

function inPorts(port: number, range: string): boolean {
  const [low, high] = range.split('-').map(Number);
  return port >= low! && port <= (high ?? low!);
}
