import { isUtf8 } from 'node:buffer';
import { ViciProtocolError } from './errors.ts';

/** A value is text when it is UTF-8, else bytes. */
export type ViciScalar = string | Uint8Array;
export type ViciValue = ViciScalar | ViciScalar[] | ViciMessage;

/** A section with its keys in order; a decoded one has no prototype, so any key is harmless. */
export interface ViciMessage {
  [key: string]: ViciValue;
}

const SECTION_START = 1;
const SECTION_END = 2;
const KEY_VALUE = 3;
const LIST_START = 4;
const LIST_ITEM = 5;
const LIST_END = 6;

const MAX_NAME_BYTES = 0xff;
const MAX_VALUE_BYTES = 0xffff;
/** charon nests five deep; more is an attack on our stack. */
const MAX_DEPTH = 32;

/** Encodes a message. Throws ViciProtocolError when a name or value is too long for the format. */
export function encodeMessage(message: ViciMessage): Buffer {
  const parts: Uint8Array[] = [];
  encodeSection(message, parts, 0);
  return Buffer.concat(parts);
}

function encodeSection(section: ViciMessage, parts: Uint8Array[], depth: number): void {
  if (depth > MAX_DEPTH) throw new ViciProtocolError(`a message nests deeper than ${MAX_DEPTH} sections`);
  for (const [name, value] of Object.entries(section)) {
    if (isScalar(value)) {
      parts.push(encodeName(KEY_VALUE, name), ...encodeValue(name, value));
    } else if (Array.isArray(value)) {
      parts.push(encodeName(LIST_START, name));
      for (const item of value) parts.push(Uint8Array.of(LIST_ITEM), ...encodeValue(name, item));
      parts.push(Uint8Array.of(LIST_END));
    } else {
      parts.push(encodeName(SECTION_START, name));
      encodeSection(value, parts, depth + 1);
      parts.push(Uint8Array.of(SECTION_END));
    }
  }
}

function isScalar(value: ViciValue): value is ViciScalar {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function encodeName(type: number, name: string): Uint8Array {
  const bytes = Buffer.from(name);
  if (bytes.length > MAX_NAME_BYTES) {
    throw new ViciProtocolError(`the name "${name.slice(0, 40)}..." has ${bytes.length} bytes, ${MAX_NAME_BYTES} fit`);
  }
  return Buffer.concat([Uint8Array.of(type, bytes.length), bytes]);
}

/** The value may be a secret: errors tell its name only. */
function encodeValue(name: string, value: ViciScalar): Uint8Array[] {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  if (bytes.length > MAX_VALUE_BYTES) {
    throw new ViciProtocolError(`the value of "${name}" has ${bytes.length} bytes, ${MAX_VALUE_BYTES} fit`);
  }
  return [Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes];
}

/** Decodes a message. Throws ViciProtocolError, and nothing else, when the bytes are none. */
export function decodeMessage(bytes: Buffer): ViciMessage {
  const reader = new Reader(bytes);
  const message = decodeSection(reader, 0);
  if (!reader.isAtEnd) throw new ViciProtocolError('a section ends that never began');
  return message;
}

function decodeSection(reader: Reader, depth: number): ViciMessage {
  if (depth > MAX_DEPTH) throw new ViciProtocolError(`a message nests deeper than ${MAX_DEPTH} sections`);
  const section: ViciMessage = Object.create(null);
  while (!reader.isAtEnd) {
    const type = reader.peek();
    if (type === SECTION_END) return section;
    reader.byte();
    if (type === KEY_VALUE) section[reader.name()] = reader.value();
    else if (type === LIST_START) section[reader.name()] = decodeList(reader);
    else if (type === SECTION_START) {
      const name = reader.name();
      section[name] = decodeSection(reader, depth + 1);
      if (reader.byte() !== SECTION_END) throw new ViciProtocolError(`section "${name}" does not end`);
    } else throw new ViciProtocolError(`element type ${type} is unknown or out of place`);
  }
  return section;
}

function decodeList(reader: Reader): ViciScalar[] {
  const items: ViciScalar[] = [];
  for (;;) {
    const type = reader.byte();
    if (type === LIST_END) return items;
    if (type !== LIST_ITEM) throw new ViciProtocolError(`element type ${type} is no list item`);
    items.push(reader.value());
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    return this.#bytes[this.#at]!;
  }

  byte(): number {
    return this.#take(1)[0]!;
  }

  name(): string {
    return this.#take(this.byte()).toString();
  }

  value(): ViciScalar {
    const bytes = this.#take((this.byte() << 8) | this.byte());
    return isUtf8(bytes) ? bytes.toString() : Uint8Array.from(bytes);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new ViciProtocolError('a message ends in the middle of an element');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
