import type { VpnChildSa, VpnTunnel, VpnTunnelStatus } from '../../shared/proto/messages.ts';
import type { ChildSa, IkeSa } from './sa.ts';
import type { StableTimes } from './stable-times.ts';
import type { TunnelRecord } from './tunnel-record.ts';

/** States in which an IKE SA can carry child SAs. */
const LIVE_STATES = new Set(['ESTABLISHED', 'REKEYING', 'REKEYED']);
/** States in which a child SA carries traffic. */
const CARRYING_STATES = new Set(['INSTALLED', 'UPDATING', 'REKEYING', 'REKEYED']);
/** What is left of a child SA for some seconds, so that packets on their way are still read. */
const GONE_STATES = new Set(['DELETING', 'DELETED', 'DESTROYING']);

/** Whether traffic can go: an IKE SA with a child SA. Of a client's several children (IKEv1) each must be there. */
export function isUp(tunnel: VpnTunnel, children: string[], sas: IkeSa[]): boolean {
  const carrying = new Set(
    sas
      .filter(sa => LIVE_STATES.has(sa.state))
      .flatMap(sa => sa.children.filter(child => CARRYING_STATES.has(child.state)).map(child => child.name)),
  );
  return tunnel.server ? carrying.size > 0 : children.every(child => carrying.has(child));
}

/** Pure but for the memory of times: the status of one tunnel from its SAs and what is remembered of it. */
export function tunnelStatus(
  tunnel: VpnTunnel,
  /** charon runs and has the tunnel. */
  isUsable: boolean,
  sas: IkeSa[],
  record: TunnelRecord,
  times: StableTimes,
): VpnTunnelStatus {
  const sa = sas.findLast(({ state }) => LIVE_STATES.has(state)) ?? sas.at(-1);
  const state = stateOf(tunnel, isUsable, sas, record);
  return {
    name: tunnel.name,
    state,
    error: state === 'up' ? '' : record.error,
    lastError: record.lastError,
    lastErrorTime: record.lastErrorTime,
    attempts: record.attempts,
    ikeVersion: sa?.version ?? tunnel.ikeVersion,
    ikeState: sa?.state ?? '',
    initiatorSpi: sa?.initiatorSpi ?? '',
    responderSpi: sa?.responderSpi ?? '',
    localHost: sa?.localHost ?? '',
    localPort: sa?.localPort ?? 0,
    remoteHost: sa?.remoteHost ?? '',
    remotePort: sa?.remotePort ?? 0,
    localId: sa?.localId ?? '',
    remoteId: sa?.remoteId ?? '',
    ikeProposal: sa?.proposal ?? '',
    established: sa ? times.ago(`${sa.uniqueId}.established`, sa.establishedAgo) : 0,
    rekey: sa ? times.in(`${sa.uniqueId}.rekey`, sa.rekeyIn) : 0,
    children: sas.flatMap(({ children }) =>
      children.filter(child => !GONE_STATES.has(child.state)).map(child => childStatus(child, times)),
    ),
  };
}

function stateOf(tunnel: VpnTunnel, isUsable: boolean, sas: IkeSa[], record: TunnelRecord): string {
  if (!isUsable) return 'down';
  if (record.upSince !== 0 && !record.isSilent) return 'up';
  if (tunnel.server) return sas.length > 0 ? 'connecting' : 'listening';
  return sas.length > 0 ? 'connecting' : 'down';
}

function childStatus(child: ChildSa, times: StableTimes): VpnChildSa {
  const key = `${child.uniqueId}/${child.spiIn}`;
  return {
    name: child.name,
    uniqueId: child.uniqueId,
    state: child.state,
    mode: child.mode,
    encapsulated: child.encapsulated,
    spiIn: child.spiIn,
    spiOut: child.spiOut,
    proposal: child.proposal,
    localTs: child.localTs,
    remoteTs: child.remoteTs,
    bytesIn: child.bytesIn,
    packetsIn: child.packetsIn,
    bytesOut: child.bytesOut,
    packetsOut: child.packetsOut,
    installed: times.ago(`${key}.installed`, child.installedAgo),
    rekey: times.in(`${key}.rekey`, child.rekeyIn),
    expires: times.in(`${key}.expires`, child.expiresIn),
  };
}
