/**
 * The messages that cross a pubsub connection, as strict types over the generated code, and the table of topics.
 *
 * Scalars and lists of a decoded message are always present (proto3 defaults); sub-messages may be null.
 */
import './numbers.ts';
import { nibox } from './gen/nibox.js';

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
export type UplinkStatus = Message<nibox.UplinkStatus.$Properties>;

export type NetworkInstanceStatus = Message<nibox.NetworkInstanceStatus.$Properties>;
export type AppInterfaceStatus = Message<nibox.AppInterfaceStatus.$Properties>;
export type NetworkInstanceMetrics = Message<nibox.NetworkInstanceMetrics.$Properties>;
export type AceCounter = Message<nibox.AceCounter.$Properties>;
export type InterfaceCounter = Message<nibox.InterfaceCounter.$Properties>;
export type FlowBatch = Message<nibox.FlowBatch.$Properties>;
export type FlowRecord = Message<nibox.FlowRecord.$Properties>;
export type DnsRequest = Message<nibox.DnsRequest.$Properties>;
export type ItemState = Message<nibox.ItemState.$Properties>;

export const { AceAction, AceDirection, FlowAction, FrameType, NetworkInstanceType, State } = nibox;
export type { nibox };

/** Encodes and decodes the values of one topic. */
export interface Codec<T> {
  /** The protobuf message's name, the last part of a topic. */
  readonly messageType: string;
  encode(value: T): Uint8Array;
  /** Throws when the bytes are no such message. */
  decode(bytes: Uint8Array): T;
}

interface GeneratedType<P> {
  encode(message: P): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

function codec<P>(messageType: string, generated: GeneratedType<P>): Codec<Message<P>> {
  return {
    messageType,
    encode: value => generated.encode(value as P).finish(),
    decode: bytes => generated.decode(bytes) as Message<P>,
  };
}

/** Every message type that is published, by name. */
export const codecs = {
  NetworkInstanceConfig: codec('NetworkInstanceConfig', nibox.NetworkInstanceConfig),
  AppInterfaceConfig: codec('AppInterfaceConfig', nibox.AppInterfaceConfig),
  UplinkStatus: codec('UplinkStatus', nibox.UplinkStatus),
  NetworkInstanceStatus: codec('NetworkInstanceStatus', nibox.NetworkInstanceStatus),
  AppInterfaceStatus: codec('AppInterfaceStatus', nibox.AppInterfaceStatus),
  NetworkInstanceMetrics: codec('NetworkInstanceMetrics', nibox.NetworkInstanceMetrics),
  FlowBatch: codec('FlowBatch', nibox.FlowBatch),
  DnsRequest: codec('DnsRequest', nibox.DnsRequest),
  ItemState: codec('ItemState', nibox.ItemState),
} as const;

export const envelopeCodec: Codec<Envelope> = codec('Envelope', nibox.Envelope);
