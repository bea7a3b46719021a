import { createRequire } from 'node:module';

/**
 * node:crypto, for who can't do without: it costs a process 0.4 MB and 13 ms of its start (Node.js 20), and a manager without VPN needs
 * nothing of it.
 */
export function loadCrypto(): typeof import('node:crypto') {
  return createRequire('/')('node:crypto') as typeof import('node:crypto');
}

/** Beyond that this code is slower than node:crypto with all it costs. */
const MOST_BYTES = 256;

/** SHA-256 in hex digits; of text in UTF-8. Short ones, such as names, without node:crypto. */
export function sha256(content: string | Uint8Array): string {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  if (bytes.length > MOST_BYTES) return loadCrypto().createHash('sha256').update(bytes).digest('hex');
  return shortSha256(bytes);
}

/**
 * 64 bits in hex digits that tell whether a text changed, or was cut or altered by accident; nothing against somebody who wants two
 * texts to look the same. Takes some 25 µs for a KB where code is interpreted, a tenth of that where it is compiled.
 */
export function fingerprint(content: string | Uint8Array): string {
  const length = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  const bytes = Buffer.alloc((length + 3) & ~3);
  if (typeof content === 'string') bytes.write(content);
  else bytes.set(content);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let a = 0x9e3779b9 | 0;
  let b = 0x243f6a88 | 0;
  for (let at = 0; at <= words.length; at++) {
    const word = words[at] ?? length; // last, which tells zeros at the end from none
    a = Math.imul(a ^ word, 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul(b ^ word, 0x85ebca77);
    b ^= b >>> 13;
  }
  a ^= b >>> 16;
  b ^= a << 7;
  return hex(mixed(a)) + hex(mixed(b));
}

/** The finish of MurmurHash3: each bit of what goes in decides on all that come out. */
function mixed(bits: number): number {
  const first = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return second ^ (second >>> 16);
}

/** The constants of FIPS 180-4: the first bits of the fractional parts of roots of the first 64 primes. */
const PRIMES = firstPrimes(64);
const ROUND = PRIMES.map(prime => fraction(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map(prime => fraction(Math.sqrt(prime)));

function shortSha256(bytes: Uint8Array): string {
  // A one bit, zeros, and the length in bits, up to a whole number of blocks.
  const padded = Buffer.alloc(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  padded.writeUInt32BE(bytes.length * 8, padded.length - 4);
  const state = Int32Array.from(START);
  for (let block = 0; block < padded.length; block += 64) addBlock(state, padded.subarray(block, block + 64));
  return Array.from(state, hex).join('');
}

/** Names as in FIPS 180-4, 6.2.2. */
function addBlock(state: Int32Array, block: Buffer): void {
  const w = new Int32Array(64);
  for (let t = 0; t < 64; t++) {
    if (t < 16) w[t] = block.readInt32BE(t * 4);
    else {
      const [early, late] = [w[t - 15]!, w[t - 2]!];
      const s0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
      const s1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
      w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
    }
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t]! + w[t]!) | 0;
    const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index]! + value) | 0;
}

function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function fraction(root: number): number {
  return Math.floor((root % 1) * 2 ** 32) | 0;
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every(prime => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
