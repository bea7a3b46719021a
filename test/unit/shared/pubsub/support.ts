import type { Log } from '../../../../shared/log/log.ts';
import {
  type Codec,
  codecs,
  type DnsRequest,
  type Envelope,
  envelopeCodec,
} from '../../../../shared/proto/messages.ts';
import { FrameReader } from '../../../../shared/pubsub/frame-reader.ts';
import { encodeFrame } from '../../../../shared/pubsub/frame-writer.ts';
import { helloOf } from '../../../../shared/pubsub/identity.ts';
import {
  type AcceptOptions,
  acceptWire,
  type Handlers,
  type Identity,
  type Peer,
  Publication,
  Session,
  type SessionOptions,
} from '../../../../shared/pubsub/index.ts';
import { type FakeWire, type FakeWireOptions, wirePair } from './fake-wire.ts';

/** A message of one text, with an encoding as real ones have: the empty text has no bytes at all. */
export const textCodec: Codec<string> = {
  messageType: 'DnsRequest',
  encode: text => codecs.DnsRequest.encode({ ...EMPTY, hostName: text }),
  decode: bytes => codecs.DnsRequest.decode(bytes).hostName,
};

const EMPTY: DnsRequest = { hostName: '', addresses: [], time: 0, client: '' };

export const TOPIC = 'pub/ni1/DnsRequest';

export function identity(agent: string, pid = 1): Identity {
  return { agent, pid, startTime: 100, netnsInode: 4026531840, softwareVersion: '0.1.0' };
}

export const HELLO = encodeFrame({ type: 1, hello: helloOf(identity('tester')) });

export function publication(): Publication<string> {
  return new Publication({ agent: 'pub', scope: 'ni1', codec: textCodec });
}

/** Writes down what a subscription is told. */
export function recorder(): { events: string[]; handlers: Handlers<string> } {
  const events: string[] = [];
  return {
    events,
    handlers: {
      created: (key, value) => void events.push(`+${key}=${value}`),
      modified: (key, value, old) => void events.push(`~${key}=${value} was ${old}`),
      deleted: (key, old) => void events.push(`-${key} was ${old}`),
      synchronized: () => void events.push('synchronized'),
      restarted: count => void events.push(`restarted ${count}`),
      stale: () => void events.push('stale'),
    },
  };
}

export interface LogLine {
  level: string;
  fields: Record<string, unknown>;
  message: string;
}

export function recordingLog(): { lines: LogLine[]; log: Log } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message });
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** A session that dials peers in the same process over fake wires. */
export interface FakeLink {
  session: Session;
  /** Newest last. */
  peers: Peer[];
  /** The peers' ends of the wires. */
  wires: FakeWire[];
}

export function link(
  accept: Omit<AcceptOptions, 'identity'> & { identity?: Identity | (() => Identity) },
  options: Partial<SessionOptions> & { wire?: FakeWireOptions } = {},
): FakeLink {
  const peers: Peer[] = [];
  const wires: FakeWire[] = [];
  const session = new Session({
    identity: identity('sub', 2),
    backoff: { firstMs: 10, maxMs: 40 },
    connect: () => {
      const [near, far] = wirePair(options.wire);
      const who = accept.identity;
      const self = typeof who === 'function' ? who() : (who ?? identity('pub'));
      peers.push(acceptWire(far, { ...accept, identity: self }));
      wires.push(far);
      return Promise.resolve(near);
    },
    ...options,
  });
  return { session, peers, wires };
}

/** The frames in what was sent. */
export function framesOf(sent: readonly Uint8Array[]): Envelope[] {
  const frames: Envelope[] = [];
  new FrameReader().push(Buffer.concat(sent), (buffer, start, end) => {
    frames.push(envelopeCodec.decode(buffer.subarray(start, end)));
    return true;
  });
  return frames;
}
