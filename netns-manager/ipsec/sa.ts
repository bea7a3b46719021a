import type { ViciMessage, ViciValue } from './vici/message.ts';

/** An IKE SA as `list-sas` tells it; times in seconds from now on, ago where the name says so. */
export interface IkeSa {
  /** Of its connection, which is the tunnel's; "(unnamed)" until a server knows for whom a call is. */
  name: string;
  uniqueId: number;
  version: number;
  state: string;
  initiatorSpi: string;
  responderSpi: string;
  localHost: string;
  localPort: number;
  remoteHost: string;
  remotePort: number;
  localId: string;
  remoteId: string;
  proposal: string;
  establishedAgo: number | null;
  rekeyIn: number | null;
  /** What it is going to do or is doing. */
  tasks: string[];
  children: ChildSa[];
}

export interface ChildSa {
  name: string;
  uniqueId: number;
  state: string;
  mode: string;
  encapsulated: boolean;
  spiIn: string;
  spiOut: string;
  proposal: string;
  localTs: string[];
  remoteTs: string[];
  bytesIn: number;
  packetsIn: number;
  bytesOut: number;
  packetsOut: number;
  installedAgo: number | null;
  rekeyIn: number | null;
  expiresIn: number | null;
}

/** Pure: reads the events of `list-sas`, the oldest SA first. What is missing or of another kind reads as empty. */
export function readSas(events: ViciMessage[]): IkeSa[] {
  return events
    .flatMap(event =>
      Object.entries(event).flatMap(([name, value]) => (isSection(value) ? [readIkeSa(name, value)] : [])),
    )
    .sort((a, b) => a.uniqueId - b.uniqueId);
}

function readIkeSa(name: string, sa: ViciMessage): IkeSa {
  const children = sa['child-sas'];
  return {
    name,
    uniqueId: number(sa.uniqueid),
    version: number(sa.version),
    state: text(sa.state),
    initiatorSpi: text(sa['initiator-spi']),
    responderSpi: text(sa['responder-spi']),
    localHost: text(sa['local-host']),
    localPort: number(sa['local-port']),
    remoteHost: text(sa['remote-host']),
    remotePort: number(sa['remote-port']),
    localId: text(sa['local-id']),
    remoteId: text(sa['remote-id']),
    proposal: proposal(sa),
    establishedAgo: numberOrNull(sa.established),
    rekeyIn: numberOrNull(sa['rekey-time'] ?? sa['reauth-time']),
    tasks: [...list(sa['tasks-queued']), ...list(sa['tasks-active'])],
    children: isSection(children) ? Object.values(children).filter(isSection).map(readChildSa) : [],
  };
}

function readChildSa(child: ViciMessage): ChildSa {
  return {
    name: text(child.name),
    uniqueId: number(child.uniqueid),
    state: text(child.state),
    mode: text(child.mode),
    encapsulated: child.encap === 'yes',
    spiIn: text(child['spi-in']),
    spiOut: text(child['spi-out']),
    proposal: proposal(child),
    localTs: list(child['local-ts']),
    remoteTs: list(child['remote-ts']),
    bytesIn: number(child['bytes-in']),
    packetsIn: number(child['packets-in']),
    bytesOut: number(child['bytes-out']),
    packetsOut: number(child['packets-out']),
    installedAgo: numberOrNull(child['install-time']),
    rekeyIn: numberOrNull(child['rekey-time']),
    expiresIn: numberOrNull(child['life-time']),
  };
}

/** "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519" */
function proposal(sa: ViciMessage): string {
  const sized = (name: string, size: string) => (name && size ? `${name}-${size}` : name);
  return [
    sized(text(sa['encr-alg']), text(sa['encr-keysize'])),
    sized(text(sa['integ-alg']), text(sa['integ-keysize'])),
    text(sa['prf-alg']),
    text(sa['dh-group']),
  ]
    .filter(part => part !== '')
    .join('/');
}

function isSection(value: ViciValue | undefined): value is ViciMessage {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function text(value: ViciValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function list(value: ViciValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function number(value: ViciValue | undefined): number {
  return numberOrNull(value) ?? 0;
}

function numberOrNull(value: ViciValue | undefined): number | null {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : null;
}
