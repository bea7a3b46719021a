/** What a line of charon's log tells about a tunnel. */
export type LogClue =
  /** It begins to call the peer. */
  | { kind: 'attempt' }
  /** The peer and we have authenticated each other. */
  | { kind: 'established' }
  /** The peer has answered. */
  | { kind: 'answer' }
  /** The peer does not answer; so many requests were repeated. */
  | { kind: 'silence'; repeated: number }
  /** On a server, before it is known for which tunnel: who calls. */
  | { kind: 'caller'; address: string }
  /** Likewise: whom it asks for, and what it calls itself. */
  | { kind: 'ids'; asked: string; own: string }
  | { kind: 'fault'; fault: Fault };

export interface Fault {
  code: FaultCode;
  /** What the line names, in its order. */
  details: string[];
}

/** From vague to exact: of the faults of one attempt the last of these is told. */
export const FAULT_CODES = [
  'peer-closed',
  'refused',
  'auth-refused',
  'own-certificate',
  'certificate-untrusted',
  'constraint',
  'ike-proposal',
  'esp-proposal',
  'selectors',
  'kernel',
  'no-tunnel',
  'identity',
  'psk-missing',
  'psk-differs',
  'key-missing',
  'signature',
  'issuer-unknown',
  'authority',
  'certificate-expired',
] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

/** strongSwan 5.9's words, IKEv2 before IKEv1. The first that fits counts. */
const FAULTS: [RegExp, FaultCode][] = [
  [/^received AUTHENTICATION_FAILED (?:notify error|error notify)/, 'auth-refused'],
  [/^received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built/, 'esp-proposal'],
  [/^(?:no acceptable proposal found|no matching proposal found)/, 'esp-proposal'],
  [/^received NO_PROPOSAL_CHOSEN (?:notify error|error notify)/, 'ike-proposal'],
  [/^(?:received proposals unacceptable|no proposal found)/, 'ike-proposal'],
  [/^no IKE config found for /, 'ike-proposal'],
  [/^received TS_UNACCEPTABLE notify/, 'selectors'],
  [/^received INVALID_ID_INFORMATION (?:notify error|error notify)/, 'selectors'],
  [/^traffic selectors (.+) === (.+) unacceptable/, 'selectors'],
  [/^no matching CHILD_SA config found for (.+) === (.+)/, 'selectors'],
  [/^(?:no acceptable traffic selectors found|peer selected invalid traffic selectors)/, 'selectors'],
  [/^no (?:matching )?peer config found/, 'no-tunnel'],
  [/^received IDr (.+), but require (.+)/, 'identity'],
  [/^constraint check failed: identity '(.+)' required/, 'constraint'],
  [/^constraint check failed: peer not authenticated by CA '(.+)'/, 'authority'],
  [/^constraint check failed: (.+)/, 'constraint'],
  [/^tried \d+ shared keys? for '.*' - '(.*)', but MAC mismatched/, 'psk-differs'],
  [
    /^(?:invalid HASH_V1 payload length, decryption failed|invalid ID_V1 payload length, decryption failed)/,
    'psk-differs',
  ],
  [/^no shared key found for '?.*?'?(?:\[.*?\])? - '?(.*?)'?(?:\[.*\])?$/, 'psk-missing'],
  [/^no private key found for '(.*)'/, 'key-missing'],
  [/^signature validation failed/, 'signature'],
  [/^no trusted \S+ public key found for '(.*)'/, 'certificate-untrusted'],
  [/^no issuer certificate found for "(.*)"/, 'issuer-unknown'],
  [/self-signed certificate "(.*)" is not trusted/, 'issuer-unknown'],
  [/^(\S+) certificate invalid \(valid from (.+) to (.+)\)/, 'certificate-expired'],
  [/^unable to install .*in kernel/, 'kernel'],
  [/^received DELETE for (?:IKE_SA|ESP CHILD_SA)/, 'peer-closed'],
  [/^received (\S+) (?:notify error|error notify|notify, no CHILD_SA built)/, 'refused'],
];

/** Pure: reads a line of charon's log at level 1; null when it tells nothing that a status needs. */
export function readLogLine(line: string): LogClue | null {
  const text = line.trim();
  if (/^initiating (?:Main Mode |Aggressive Mode )?IKE_SA /.test(text)) return { kind: 'attempt' };
  if (/^IKE_SA \S+ established between /.test(text)) return { kind: 'established' };
  if (/^parsed \S+ response /.test(text)) return { kind: 'answer' };
  const silence = /^retransmit (\d+) of request/.exec(text) ?? /^giving up after (\d+) retransmits/.exec(text);
  if (silence) return { kind: 'silence', repeated: Number(silence[1]) };
  const caller = /^(\S+) is initiating a/.exec(text);
  if (caller) return { kind: 'caller', address: caller[1]! };
  const ids = /^looking for .*peer configs matching .+?(?:\[(.*?)\])?\.\.\..+?\[(.*)\]$/.exec(text);
  if (ids) return { kind: 'ids', asked: ids[1] ?? '', own: ids[2]! };
  for (const [pattern, code] of FAULTS) {
    const match = pattern.exec(text);
    if (match) return { kind: 'fault', fault: { code, details: match.slice(1).map(String) } };
  }
  return null;
}
