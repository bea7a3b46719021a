import { cidrContains, formatAddress, parseAddress, parseCidr } from '../../../net/address.ts';
import type { Reporter, Told } from '../../issue.ts';
import type { VpnTunnel } from '../../model.ts';
import { DPD_DELAY, ESP_PROPOSALS, ESP_REKEY, IKE_PROPOSALS, IKE_REKEY } from '../../vpn/defaults.ts';
import type { TunnelDraft } from '../../vpn/draft.ts';
import { readProposal } from '../../vpn/proposal.ts';
import { specialKind } from '../../vpn/special.ts';
import { readAuth } from './auth.ts';
import { readLocalSubnets, readRemoteSubnets } from './networks.ts';
import { readTunnelInterface } from './tunnel-interface.ts';
import type { VpnContext } from './vpn.ts';

export type TunnelContext = VpnContext;

export const TUNNEL_NAME = /^[A-Za-z0-9_-]{1,32}$/;
/** A gateway of a server that is whoever has the key. */
export const ANY = '%any';

/** Each one is tried by the peer in turn, and all of them are in one packet. */
const MAX_PROPOSALS = 20;
/** strongSwan cuts longer identities. */
const MAX_ID_LENGTH = 255;
const DAY = 86_400;
/** Less is for tests, more never ends what was learnt of a key. */
const REKEY_RANGE = { min: 10, max: 7 * DAY, unit: 'seconds' };
const DPD_RANGE = { min: 1, max: 3_600, unit: 'seconds' };
/** The least that every IPv4 host takes, the most that IP can hold. */
const MTU_RANGE = { min: 576, max: 65_535, unit: 'bytes' };

/** One tunnel of the model. What is wrong with it is reported, and something harmless stands in its place. */
export function buildTunnel(draft: TunnelDraft, context: TunnelContext): VpnTunnel {
  const { report, now } = context;
  const isMissing = (told: Told<unknown>) => told.value === undefined;
  if (!TUNNEL_NAME.test(draft.name.value)) {
    report.refuse(draft.name, 'is not a name for a tunnel', 'use up to 32 letters, digits, dashes and underscores');
  }
  const ikeVersion = readIkeVersion(draft.ikeVersion, report);
  const mtu = isMissing(draft.mtu) ? undefined : readNumber(draft.mtu, 0, MTU_RANGE, report);
  return {
    name: draft.name.value,
    role: draft.role,
    mode: draft.mode.value,
    ikeVersion,
    remoteGateway: readGateway(draft, context),
    localId: readId(draft.localId, report),
    remoteId: readId(draft.remoteId, report),
    auth: readAuth(draft, now, report),
    localSubnets: readLocalSubnets(draft, context),
    remoteSubnets: readRemoteSubnets(draft, context),
    ikeProposals: readProposals(draft.ikeProposals, 'IKE', IKE_PROPOSALS[ikeVersion], context),
    espProposals: readProposals(draft.espProposals, 'ESP', ESP_PROPOSALS[ikeVersion], context),
    ikeRekey: readNumber(draft.ikeRekey, IKE_REKEY, REKEY_RANGE, report),
    espRekey: readNumber(draft.espRekey, ESP_REKEY, REKEY_RANGE, report),
    dpdDelay: readNumber(draft.dpdDelay, DPD_DELAY, DPD_RANGE, report),
    ...readTunnelInterface(draft, context),
    ...(mtu !== undefined && { mtu }),
  };
}

function readIkeVersion(told: Told<number | undefined>, report: Reporter): 1 | 2 {
  if (told.value === 1) {
    report.warn(told, 'IKEv1 is obsolete (RFC 9395)', 'use 2, unless the other side knows nothing else');
    return 1;
  }
  if (told.value !== undefined && told.value !== 2) report.refuse(told, 'is not a version of IKE', 'use 2, or 1');
  return 2;
}

function readGateway({ remoteGateway: told, role, path }: TunnelDraft, { ni, report }: VpnContext): string {
  const isServer = role === 'server';
  const example = 'write its IP address, for example 192.0.2.1';
  if (told.value === undefined || told.value === ANY) {
    if (!isServer) {
      const reason = told.value ? 'a client must know whom to call' : 'it is not said whom to call';
      if (told.value) report.refuse(told, reason, example);
      else report.refuse({ path: told.path || path, value: undefined }, reason, example);
    }
    return ANY;
  }
  const address = parseAddress(told.value);
  if (!address) {
    report.refuse(told, 'is not an IP address', isServer ? `${example}, or ${ANY}` : example);
    return ANY;
  }
  const kind = specialKind(address);
  if (kind) report.refuse(told, `is ${kind}, where no gateway can be`, example);
  else if (address.family === 6) {
    report.refuse(told, 'the links to network instances carry IPv4 only', 'use a gateway with an IPv4 address');
  } else if (ni.ipv4 && cidrContains(parseCidr(ni.ipv4.subnet)!, address)) {
    const reason = `lies in the network instance's own subnet ${ni.ipv4.subnet}, so that nothing for it goes out`;
    report.refuse(told, reason, 'use another subnet for the network instance');
  }
  return formatAddress(address);
}

function readId(told: Told<string | undefined>, report: Reporter): string {
  const id = told.value ?? '';
  const remedy = 'write an address, a host name, an email address or a distinguished name (CN=...)';
  if (id.length > MAX_ID_LENGTH) report.refuse(told, `is longer than ${MAX_ID_LENGTH} characters`, remedy);
  else if (/[^ -~\u00a0-\uffff]/.test(id)) report.refuse(told, 'has characters that no identity has', remedy);
  return id;
}

function readProposals(
  list: Told<string>[],
  use: 'IKE' | 'ESP',
  defaults: readonly string[],
  context: TunnelContext,
): string[] {
  if (list.length === 0) return [...defaults];
  if (list.length > MAX_PROPOSALS) {
    const reason = `there are more than ${MAX_PROPOSALS} proposals`;
    context.report.refuse(list[MAX_PROPOSALS]!, reason, 'put algorithms that go together into one proposal');
    return [...defaults];
  }
  const proposals = list.flatMap(told => readProposal(told, use, context) ?? []);
  return proposals.length > 0 ? [...new Set(proposals)] : [...defaults];
}

function readNumber(
  told: Told<number | undefined>,
  byDefault: number,
  { min, max, unit }: { min: number; max: number; unit: string },
  report: Reporter,
): number {
  const number = told.value ?? byDefault;
  if (told.value !== undefined && (!Number.isInteger(number) || number < min || number > max)) {
    report.refuse(told, `is not a whole number of ${unit} from ${min} to ${max}`, `use ${min} to ${max}`);
  }
  return number;
}
