/** What a word in a proposal names. An AEAD encrypts and protects at once. */
export type WordKind = 'cipher' | 'aead' | 'integrity' | 'prf' | 'group' | 'esn';

export interface Word {
  kind: WordKind;
  /** Why it should not be used, after "is"; absent: it is fine. */
  weakness?: string;
}

const AEAD_SUFFIXES = ['', '8', '12', '16', '64', '96', '128'];

/** The words of strongSwan's proposals that Debian's strongSwan has an implementation for. */
const FINE: Record<WordKind, readonly string[]> = {
  cipher: ['aes', ...sized('aes', ''), ...sized('aes', 'ctr'), 'camellia', ...sized('camellia', '')],
  aead: [
    ...AEAD_SUFFIXES.flatMap(suffix => [...sized('aes', `gcm${suffix}`), ...sized('aes', `ccm${suffix}`)]),
    'chacha20poly1305',
  ],
  integrity: ['sha256', 'sha2_256', 'sha384', 'sha2_384', 'sha512', 'sha2_512', 'aesxcbc', 'aescmac'],
  prf: ['prfsha256', 'prfsha384', 'prfsha512', 'prfaesxcbc', 'prfaescmac'],
  group: [
    ...['modp2048', 'modp3072', 'modp4096', 'modp6144', 'modp8192'],
    ...['ecp256', 'ecp384', 'ecp521', 'ecp256bp', 'ecp384bp', 'ecp512bp'],
    ...['curve25519', 'x25519', 'curve448', 'x448'],
  ],
  esn: ['esn', 'noesn'],
};

/** Broken or too short by now; some peers have nothing else. */
const WEAK: Record<string, readonly [WordKind, string]> = {
  des: ['cipher', 'broken since 1998'],
  '3des': ['cipher', 'broken in long-lived tunnels (its blocks are short)'],
  blowfish: ['cipher', 'broken in long-lived tunnels (its blocks are short)'],
  cast128: ['cipher', 'broken in long-lived tunnels (its blocks are short)'],
  sha: ['integrity', 'based on SHA-1, which is broken'],
  sha1: ['integrity', 'based on SHA-1, which is broken'],
  sha1_160: ['integrity', 'based on SHA-1, which is broken'],
  prfsha1: ['prf', 'based on SHA-1, which is broken'],
  md5: ['integrity', 'based on MD5, which is broken'],
  md5_128: ['integrity', 'based on MD5, which is broken'],
  prfmd5: ['prf', 'based on MD5, which is broken'],
  modp768: ['group', 'broken by anybody with a few computers'],
  modp1024: ['group', 'broken by those who can spend much on it (Logjam)'],
  modp1024s160: ['group', 'broken by those who can spend much on it (Logjam)'],
  modp1536: ['group', 'shorter than what is held to be safe'],
  modp2048s224: ['group', 'of doubtful origin (RFC 8247)'],
  modp2048s256: ['group', 'of doubtful origin (RFC 8247)'],
  ecp192: ['group', 'shorter than what is held to be safe'],
  ecp224: ['group', 'shorter than what is held to be safe'],
  ecp224bp: ['group', 'shorter than what is held to be safe'],
};

/** strongSwan knows them, but what comes of them is no secret. */
export const USELESS: Record<string, string> = {
  null: 'does not encrypt',
  aes128gmac: 'does not encrypt',
  aes192gmac: 'does not encrypt',
  aes256gmac: 'does not encrypt',
  none: 'names no group; leave the group out instead',
  modpnone: 'names no group; leave the group out instead',
  modpnull: 'exchanges no key',
};

export const WORDS: ReadonlyMap<string, Word> = new Map([
  ...Object.entries(FINE).flatMap(([kind, words]) => words.map(word => [word, { kind: kind as WordKind }] as const)),
  ...Object.entries(WEAK).map(([word, [kind, weakness]]) => [word, { kind, weakness }] as const),
]);

function sized(name: string, suffix: string): string[] {
  return [128, 192, 256].map(bits => `${name}${bits}${suffix}`);
}
