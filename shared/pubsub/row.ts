/**
 * A key's UPDATE frame as it goes out, in two parts, as texts with a character for each byte: they take less memory than buffers,
 * and are compared and joined faster.
 */
export interface Row {
  /** All before the value. */
  readonly lead: string;
  readonly value: string;
  /** What the value is the encoding of. */
  message: unknown;
}

/** The bytes of texts with a character for each byte. */
export function bytesOf(parts: readonly string[]): Buffer {
  return Buffer.from(parts.length === 1 ? parts[0]! : parts.join(''), 'latin1');
}

/** The other way round: a character for each of the first `length` bytes. */
export function latin1(bytes: Uint8Array, length = bytes.length): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1', 0, length);
}
