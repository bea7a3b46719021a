/** Longer texts are rarely the same again. */
const MAX_TEXT_BYTES = 64;
/** A power of two. All in all a cache takes some 100 kB at most. */
const SLOTS = 1024;

/**
 * Texts read from bytes, kept because state repeats itself: the same names and states come again with every message. A text that
 * is known costs no memory, and all mirrored messages share it.
 */
export class TextCache {
  readonly #texts = new Array<string>(SLOTS).fill('');
  /** Theirs; comparing a string's characters one by one takes several times as long. */
  readonly #bytes = new Uint8Array(SLOTS * MAX_TEXT_BYTES);

  /** The text of these bytes; null: they are not only printable ASCII, or too many, and for somebody else to read. */
  read(buffer: Buffer, start: number, end: number): string | null {
    const length = end - start;
    if (length > MAX_TEXT_BYTES || length < 1) return null;
    const slot = slotOf(buffer, start, end);
    const known = this.#texts[slot]!;
    const bytes = this.#bytes;
    const offset = slot * MAX_TEXT_BYTES;
    if (known.length === length && areSame(bytes, offset, buffer, start, length)) return known;
    for (let i = start; i < end; i++) if (buffer[i]! < 0x20 || buffer[i]! >= 0x7f) return null;
    const text = buffer.toString('latin1', start, end);
    for (let i = 0; i < length; i++) bytes[offset + i] = buffer[start + i]!;
    this.#texts[slot] = text;
    return text;
  }
}

/** From the length and some of the bytes: names that are counted differ at their end. */
function slotOf(buffer: Buffer, start: number, end: number): number {
  let hash = (end - start) * 31 + buffer[start]!;
  hash = Math.imul(hash, 31) + buffer[(start + end) >> 1]!;
  for (let i = Math.max(start, end - 4); i < end; i++) hash = Math.imul(hash, 31) + buffer[i]!;
  return (hash ^ (hash >>> 10)) & (SLOTS - 1);
}

/** Four at a time, which takes half as long; a native comparison takes longer to call. */
function areSame(one: Uint8Array, at: number, other: Uint8Array, start: number, length: number): boolean {
  let i = 0;
  for (; i + 3 < length; i += 4) {
    const a = at + i;
    const b = start + i;
    const difference =
      (one[a]! ^ other[b]!) |
      (one[a + 1]! ^ other[b + 1]!) |
      (one[a + 2]! ^ other[b + 2]!) |
      (one[a + 3]! ^ other[b + 3]!);
    if (difference !== 0) return false;
  }
  for (; i < length; i++) if (one[at + i] !== other[start + i]) return false;
  return true;
}

/** Of the whole process. */
export const textCache = new TextCache();
