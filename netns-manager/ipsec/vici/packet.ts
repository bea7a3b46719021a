import { ViciProtocolError } from './errors.ts';
import { decodeMessage, encodeMessage, type ViciMessage } from './message.ts';

/** The first byte of a packet. */
export const PacketType = {
  CMD_REQUEST: 0,
  CMD_RESPONSE: 1,
  CMD_UNKNOWN: 2,
  EVENT_REGISTER: 3,
  EVENT_UNREGISTER: 4,
  EVENT_CONFIRM: 5,
  EVENT_UNKNOWN: 6,
  EVENT: 7,
} as const;

export type ViciPacket =
  | { type: typeof PacketType.CMD_REQUEST | typeof PacketType.EVENT; name: string; message: ViciMessage }
  | { type: typeof PacketType.EVENT_REGISTER | typeof PacketType.EVENT_UNREGISTER; name: string }
  | { type: typeof PacketType.CMD_RESPONSE; message: ViciMessage }
  | { type: typeof PacketType.CMD_UNKNOWN | typeof PacketType.EVENT_CONFIRM | typeof PacketType.EVENT_UNKNOWN };

/** Encodes a packet with the length before it. Throws ViciProtocolError when something is too long for the format. */
export function encodePacket(packet: ViciPacket): Buffer {
  const parts: Uint8Array[] = [Uint8Array.of(packet.type)];
  if ('name' in packet) {
    const name = Buffer.from(packet.name);
    if (name.length > 0xff) throw new ViciProtocolError(`the command "${packet.name.slice(0, 40)}..." is too long`);
    parts.push(Uint8Array.of(name.length), name);
  }
  if ('message' in packet) parts.push(encodeMessage(packet.message));
  const body = Buffer.concat(parts);
  if (body.length > MAX_FRAME_BYTES) {
    throw new ViciProtocolError(`a packet has ${body.length} bytes, ${MAX_FRAME_BYTES} fit`);
  }
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

/** Decodes a packet without its length. Throws ViciProtocolError, and nothing else, when the bytes are none. */
export function decodePacket(bytes: Buffer): ViciPacket {
  const type = bytes[0];
  switch (type) {
    case PacketType.CMD_UNKNOWN:
    case PacketType.EVENT_CONFIRM:
    case PacketType.EVENT_UNKNOWN:
      if (bytes.length !== 1) throw new ViciProtocolError(`a packet of type ${type} has bytes too many`);
      return { type };
    case PacketType.CMD_RESPONSE:
      return { type, message: decodeMessage(bytes.subarray(1)) };
    case PacketType.CMD_REQUEST:
    case PacketType.EVENT:
    case PacketType.EVENT_REGISTER:
    case PacketType.EVENT_UNREGISTER: {
      const end = 2 + (bytes[1] ?? 0);
      if (bytes.length < end) throw new ViciProtocolError('a packet ends in the middle of its name');
      const name = bytes.toString('utf8', 2, end);
      if (type === PacketType.CMD_REQUEST || type === PacketType.EVENT) {
        return { type, name, message: decodeMessage(bytes.subarray(end)) };
      }
      if (bytes.length !== end) throw new ViciProtocolError(`a packet of type ${type} has bytes too many`);
      return { type, name };
    }
    default:
      throw new ViciProtocolError(`packet type ${type ?? 'none'} is unknown`);
  }
}

export const FRAME_HEADER_BYTES = 4;
/** charon's own limit. */
export const MAX_FRAME_BYTES = 512 * 1024;
