import { sha256 } from '../../shared/digest.ts';
import { VpnAuth, type VpnCredentials, type VpnTunnel } from '../../shared/proto/messages.ts';
import { type Backend, IKE_MARK } from './backend.ts';
import { readCertificateCredentials, type Validity } from './certificates.ts';
import { TunnelError } from './tunnel-error.ts';
import type { ViciMessage } from './vici/message.ts';

export interface ConnectionInput {
  tunnel: VpnTunnel;
  /** Null: they are missing. */
  credentials: VpnCredentials | null;
  /** Which IKE uses; empty: any. */
  localAddress: string;
  backend: Backend;
  /** Of the tunnel's xfrm interface; 0: policies decide. */
  interfaceId: number;
  /** Another tunnel calls a gateway of the same name. */
  isTwin: boolean;
}

/** What charon is told of one tunnel, each message in the words of the VICI command of its name. */
export interface RenderedTunnel {
  name: string;
  /** SHA-256 of all below: equal means that there is nothing to tell. */
  digest: string;
  /** Child configurations that a client opens. */
  children: string[];
  loadShared: ViciMessage[];
  loadCert: ViciMessage[];
  loadKey: ViciMessage[];
  loadConn: ViciMessage;
  /** Of our certificate; null: there is none. */
  validity: Validity | null;
}

const ANY = '%any';
const EVERYTHING = ['0.0.0.0/0'];
/** Hard lifetimes leave room for a re-keying whose peer is slow to answer: charon gives up on it after 16 s. */
const MIN_OVER_TIME_SECONDS = 60;
/** Of the re-key time; both sides must not re-key at the same moment. */
const RANDOM_PART = 0.1;
/** IKEv1's DPD has no retransmissions: so many delays without an answer mean death. */
const DPD_TIMEOUT_DELAYS = 3;

/** Pure. Throws TunnelError in words when charon can't work with the credentials. */
export function renderTunnel(input: ConnectionInput): RenderedTunnel {
  const { tunnel, credentials } = input;
  if (!credentials) throw new TunnelError(tunnel.name, 'its credentials are missing');
  const children = renderChildren(input);
  const auth = tunnel.auth === VpnAuth.CERTIFICATE ? certificateAuth(tunnel, credentials) : pskAuth(input, credentials);
  const connection: ViciMessage = {
    version: String(tunnel.ikeVersion || 2),
    local_addrs: [input.localAddress || ANY],
    remote_addrs: [tunnel.remoteGateway || ANY],
    proposals: tunnel.ikeProposals,
    // libipsec has ESP in UDP only: claim a NAT.
    encap: input.backend === 'kernel-libipsec' ? 'yes' : 'no',
    mobike: 'no',
    fragmentation: 'yes',
    dpd_delay: seconds(tunnel.dpdDelay),
    dpd_timeout: seconds(tunnel.dpdDelay * DPD_TIMEOUT_DELAYS),
    // 0: for ever.
    keyingtries: '0',
    unique: uniqueness(tunnel),
    rekey_time: seconds(tunnel.ikeRekey),
    over_time: seconds(overTime(tunnel.ikeRekey)),
    rand_time: seconds(Math.floor(tunnel.ikeRekey * RANDOM_PART)),
    send_certreq: 'yes',
    send_cert: 'always',
    local: auth.local,
    remote: auth.remote,
    children,
  };
  const told = {
    loadShared: auth.loadShared,
    loadCert: auth.loadCert,
    loadKey: auth.loadKey,
    loadConn: { [tunnel.name]: connection },
  };
  return { name: tunnel.name, digest: digest(told), children: Object.keys(children), validity: auth.validity, ...told };
}

interface RenderedAuth extends Pick<RenderedTunnel, 'loadShared' | 'loadCert' | 'loadKey' | 'validity'> {
  local: ViciMessage;
  remote: ViciMessage;
}

/** Whom the other side has to be; a client knows whom it calls, a server may not. */
export function remoteId({ remoteId, remoteGateway, server }: VpnTunnel): string {
  return remoteId || (server ? ANY : remoteGateway);
}

/** Behind a NAT the peer sees another address than the one we call ourselves by; peers that care are told a localId. */
function pskAuth({ tunnel, localAddress, isTwin }: ConnectionInput, credentials: VpnCredentials): RenderedAuth {
  if (credentials.psk === '') throw new TunnelError(tunnel.name, 'there is no pre-shared key');
  const localId = tunnel.localId || localAddress;
  const remote = remoteId(tunnel);
  return {
    loadShared: [{ id: sharedId(tunnel.name), type: 'IKE', data: credentials.psk, owners: keyOwners(tunnel, isTwin) }],
    loadCert: [],
    loadKey: [],
    validity: null,
    local: { auth: 'psk', ...(localId && { id: localId }) },
    remote: { auth: 'psk', id: remote },
  };
}

/**
 * charon tries the keys that have the peer's id or ours among their owners, those that fit best first. So our own id is named only
 * where it has to tell two keys for one gateway apart: it would let one peer pass for another, who has a key here as well.
 */
function keyOwners(tunnel: VpnTunnel, isTwin: boolean): string[] {
  const remote = remoteId(tunnel);
  if (!tunnel.server) return isTwin && tunnel.localId !== '' ? [tunnel.localId, remote] : [remote];
  // A peer without NAT calls itself by its address; behind one nobody knows.
  return remote === ANY && tunnel.remoteGateway !== ANY ? [tunnel.remoteGateway, ANY] : [remote];
}

function certificateAuth(tunnel: VpnTunnel, credentials: VpnCredentials): RenderedAuth {
  const { certificate, intermediates, privateKey, authorities, validity } = readCertificateCredentials(credentials);
  return {
    loadShared: [],
    loadCert: [
      { type: 'X509', flag: 'NONE', data: certificate },
      ...intermediates.map(data => ({ type: 'X509', flag: 'NONE', data })),
      ...authorities.map(data => ({ type: 'X509', flag: 'CA', data })),
    ],
    loadKey: [{ type: 'any', data: privateKey }],
    validity,
    // Without an id charon takes the certificate's subject.
    local: { auth: 'pubkey', certs: [certificate], ...(tunnel.localId && { id: tunnel.localId }) },
    // Named here too, or the authority of one tunnel could vouch for the peer of another.
    remote: { auth: 'pubkey', id: remoteId(tunnel), cacerts: authorities },
  };
}

/** The id under which charon keeps the pre-shared key of a tunnel. */
export function sharedId(tunnel: string): string {
  return `psk-${tunnel}`;
}

/**
 * A server throws out the older SA of a peer that it knows by a name of its own. Nameless ones may bear the same private address
 * behind different NATs: those it never compares, and DPD finds the dead.
 */
function uniqueness(tunnel: VpnTunnel): string {
  if (!tunnel.server) return 'no';
  return tunnel.remoteId === '' ? 'never' : 'replace';
}

function renderChildren({ tunnel, backend, interfaceId }: ConnectionInput): ViciMessage {
  const common: ViciMessage = {
    esp_proposals: tunnel.espProposals,
    mode: 'tunnel',
    rekey_time: seconds(tunnel.espRekey),
    life_time: seconds(tunnel.espRekey === 0 ? 0 : tunnel.espRekey + overTime(tunnel.espRekey)),
    rand_time: seconds(Math.floor(tunnel.espRekey * RANDOM_PART)),
    // We open tunnels ourselves (tunnel-book.ts): charon never tries again after some failures, and without a pause after others.
    start_action: 'none',
    close_action: 'none',
    dpd_action: tunnel.server ? 'clear' : 'restart',
    ...(interfaceId !== 0 && { if_id_in: String(interfaceId), if_id_out: String(interfaceId) }),
    // ESP must not be routed into the interface that it came from.
    ...(interfaceId !== 0 && backend === 'kernel-netlink' && { set_mark_out: String(IKE_MARK) }),
  };
  const child = (local: string[], remote: string[]) => ({ local_ts: local, remote_ts: remote, ...common });
  // The routes into a tunnel's interface decide, not policies.
  const local = tunnel.routeBased ? EVERYTHING : tunnel.localSubnets;
  const remote = tunnel.routeBased ? EVERYTHING : tunnel.remoteSubnets;
  if (tunnel.ikeVersion !== 1) return { [tunnel.name]: child(local, remote) };
  // IKEv1 has one pair of subnets to a child SA.
  const pairs = local.flatMap(one => remote.map(other => [one, other] as const));
  return Object.fromEntries(
    pairs.map(([one, other], index) => [
      pairs.length === 1 ? tunnel.name : `${tunnel.name}-${index + 1}`,
      child([one], [other]),
    ]),
  );
}

function overTime(rekey: number): number {
  return Math.max(MIN_OVER_TIME_SECONDS, Math.floor(rekey * RANDOM_PART));
}

function seconds(number: number): string {
  return `${number}s`;
}

function digest(told: object): string {
  const text = JSON.stringify(told, (_key, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  );
  return sha256(text);
}
