/**
 * The messages that cross a pubsub connection, as strict types over the generated code, and the table of topics.
 *
 * Scalars and lists of a decoded message are always present (proto3 defaults); sub-messages may be null.
 */
import './numbers.ts';
import protobuf from 'protobufjs/minimal.js';
import { nibox } from './gen/nibox.js';
import { MessageReader } from './message-reader.ts';

type Field<T> = T extends Uint8Array ? T : T extends (infer U)[] ? Field<U>[] : T extends object ? Message<T> : T;

/** A complete message: every scalar and list present, a sub-message present or null. */
export type Message<P> = {
  [K in keyof P as K extends '$unknowns' ? never : K]-?: NonNullable<P[K]> extends unknown[] | Uint8Array
    ? Field<NonNullable<P[K]>>
    : NonNullable<P[K]> extends object
      ? Message<NonNullable<P[K]>> | null
      : NonNullable<P[K]>;
};

export type Envelope = Message<nibox.Envelope.$Properties>;
export type Hello = Message<nibox.Hello.$Properties>;

export type NetworkInstanceConfig = Message<nibox.NetworkInstanceConfig.$Properties>;
export type IpNetwork = Message<nibox.IpNetwork.$Properties>;
export type Transit = Message<nibox.Transit.$Properties>;
export type Route = Message<nibox.Route.$Properties>;
export type DnsHost = Message<nibox.DnsHost.$Properties>;
export type AppInterfaceConfig = Message<nibox.AppInterfaceConfig.$Properties>;
export type Ace = Message<nibox.Ace.$Properties>;
export type Vpn = Message<nibox.Vpn.$Properties>;
export type VpnTunnel = Message<nibox.VpnTunnel.$Properties>;
export type VpnCredentials = Message<nibox.VpnCredentials.$Properties>;
export type SwitchPort = Message<nibox.SwitchPort.$Properties>;
export type UplinkStatus = Message<nibox.UplinkStatus.$Properties>;

export type NetworkInstanceStatus = Message<nibox.NetworkInstanceStatus.$Properties>;
export type AppInterfaceStatus = Message<nibox.AppInterfaceStatus.$Properties>;
export type SwitchPortStatus = Message<nibox.SwitchPortStatus.$Properties>;
export type SeenAddress = Message<nibox.SeenAddress.$Properties>;
export type NetworkInstanceMetrics = Message<nibox.NetworkInstanceMetrics.$Properties>;
export type AceCounter = Message<nibox.AceCounter.$Properties>;
export type InterfaceCounter = Message<nibox.InterfaceCounter.$Properties>;
export type FlowBatch = Message<nibox.FlowBatch.$Properties>;
export type FlowRecord = Message<nibox.FlowRecord.$Properties>;
export type DnsRequest = Message<nibox.DnsRequest.$Properties>;
export type ItemState = Message<nibox.ItemState.$Properties>;
export type VpnStatus = Message<nibox.VpnStatus.$Properties>;
export type VpnTunnelStatus = Message<nibox.VpnTunnelStatus.$Properties>;
export type SupervisedInstance = Message<nibox.SupervisedInstance.$Properties>;
export type VpnChildSa = Message<nibox.VpnChildSa.$Properties>;

export const { AceAction, AceDirection, FlowAction, FrameType, NetworkInstanceType, State, VpnAuth } = nibox;
export type { nibox };

/** Encodes and decodes the values of one topic. */
export interface Codec<T> {
  /** The protobuf message's name, the last part of a topic. */
  readonly messageType: string;
  encode(value: T): Uint8Array;
  /** As `encode`, into memory that the next `write` of any codec uses again. */
  write?(value: T): Written;
  /** Throws when the bytes are no such message. Keeps nothing of their memory. */
  decode(bytes: Uint8Array): T;
  /** As `decode`, of a part of `bytes`. */
  read?(bytes: Uint8Array, start: number, end: number): T;
}

/** The first `pos` bytes of `buf`. */
export interface Written {
  readonly buf: Uint8Array;
  readonly pos: number;
}

interface GeneratedType<P> {
  encode(message: P, writer?: protobuf.Writer): protobuf.Writer;
  decode(reader: protobuf.Reader): unknown;
}

/** A writer that grew beyond this for one big message is not kept. */
const KEPT_WRITER_BYTES = 16 * 1024;
const reader = new MessageReader();
let writer = protobuf.Writer.create();

function emptyWriter(): protobuf.Writer {
  if (writer.buf.length > KEPT_WRITER_BYTES) writer = protobuf.Writer.create();
  writer.pos = 0;
  writer.states = null; // of a message that could not be encoded
  return writer;
}

function codec<P>(messageType: string, generated: GeneratedType<P>): Codec<Message<P>> {
  const read = (bytes: Uint8Array, start: number, end: number) => {
    try {
      return generated.decode(reader.over(bytes, start, end)) as Message<P>;
    } finally {
      reader.release();
    }
  };
  return {
    messageType,
    encode: value => generated.encode(value as P).finish(),
    write: value => generated.encode(value as P, emptyWriter()),
    decode: bytes => read(bytes, 0, bytes.length),
    read,
  };
}

/** Every message type that is published, by name. */
export const codecs = {
  NetworkInstanceConfig: codec('NetworkInstanceConfig', nibox.NetworkInstanceConfig),
  AppInterfaceConfig: codec('AppInterfaceConfig', nibox.AppInterfaceConfig),
  UplinkStatus: codec('UplinkStatus', nibox.UplinkStatus),
  VpnCredentials: codec('VpnCredentials', nibox.VpnCredentials),
  NetworkInstanceStatus: codec('NetworkInstanceStatus', nibox.NetworkInstanceStatus),
  AppInterfaceStatus: codec('AppInterfaceStatus', nibox.AppInterfaceStatus),
  NetworkInstanceMetrics: codec('NetworkInstanceMetrics', nibox.NetworkInstanceMetrics),
  FlowBatch: codec('FlowBatch', nibox.FlowBatch),
  DnsRequest: codec('DnsRequest', nibox.DnsRequest),
  ItemState: codec('ItemState', nibox.ItemState),
  VpnStatus: codec('VpnStatus', nibox.VpnStatus),
  SupervisedInstance: codec('SupervisedInstance', nibox.SupervisedInstance),
} as const;

export const envelopeCodec: Codec<Envelope> = codec('Envelope', nibox.Envelope);
