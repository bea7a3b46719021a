import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { faultWords } from '../../../../netns-manager/ipsec/fault-words.ts';
import { FAULT_CODES, readLogLine } from '../../../../netns-manager/ipsec/log-clue.ts';
import { VpnAuth } from '../../../../shared/proto/messages.ts';
import { tunnel } from './fixtures.ts';

/** Lines as strongSwan 5.9.8 writes them, and what people are told. */
const faults: [line: string, words: string][] = [
  [
    'received AUTHENTICATION_FAILED notify error',
    'authentication failed: gw refuses us; the pre-shared key or an id differs on the two sides',
  ],
  [
    'received AUTHENTICATION_FAILED error notify',
    'authentication failed: gw refuses us; the pre-shared key or an id differs on the two sides',
  ],
  [
    "tried 1 shared key for 'a' - 'b', but MAC mismatched",
    'authentication failed: the pre-shared key of "b" is not ours',
  ],
  ["no shared key found for 'a' - 'b c'", 'authentication failed: there is no pre-shared key for "b c"'],
  [
    "no shared key found for 'a'[192.0.2.1] - 'b'[192.0.2.2]",
    'authentication failed: there is no pre-shared key for "b"',
  ],
  [
    'no shared key found for 192.0.2.1 - 192.0.2.2',
    'authentication failed: there is no pre-shared key for "192.0.2.2"',
  ],
  ["no private key found for 'CN=me'", 'authentication failed: there is no private key for "CN=me"'],
  ['received NO_PROPOSAL_CHOSEN notify error', 'no proposal chosen: gw and we have no IKE proposal in common'],
  ['received proposals unacceptable', 'no proposal chosen: gw and we have no IKE proposal in common'],
  [
    'no IKE config found for 192.0.2.1...192.0.2.2, sending NO_PROPOSAL_CHOSEN',
    'no proposal chosen: gw and we have no IKE proposal in common',
  ],
  [
    'received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built',
    'no proposal chosen: gw and we have no ESP proposal in common',
  ],
  ['no acceptable proposal found', 'no proposal chosen: gw and we have no ESP proposal in common'],
  [
    'received TS_UNACCEPTABLE notify, no CHILD_SA built',
    'traffic selectors unacceptable: gw has other local and remote subnets',
  ],
  [
    'traffic selectors 10.0.0.0/8 === 10.1.0.0/16 unacceptable',
    'traffic selectors unacceptable: gw asks for 10.0.0.0/8 === 10.1.0.0/16',
  ],
  [
    "constraint check failed: identity 'gw.example' required ",
    'authentication failed: gw is not whom the tunnel is for: gw.example',
  ],
  [
    "constraint check failed: peer not authenticated by CA 'CN=ca'",
    'authentication failed: the certificate of gw is not signed by "CN=ca"',
  ],
  [
    'received IDr other.example, but require gw.example',
    'authentication failed: gw calls itself "other.example", but the tunnel is for "gw.example": set its remote id',
  ],
  [
    'no issuer certificate found for "CN=gw"',
    'authentication failed: the certificate "CN=gw" of gw is signed by an authority that is not trusted',
  ],
  [
    'subject certificate invalid (valid from Jan 01 00:00:00 2020 to Feb 01 00:00:00 2020)',
    'authentication failed: the certificate of gw is valid from Jan 01 00:00:00 2020 to Feb 01 00:00:00 2020 only; mind the clock, too',
  ],
  [
    'issuer certificate invalid (valid from Jan 01 00:00:00 2020 to Feb 01 00:00:00 2020)',
    'authentication failed: the authority of gw is valid from Jan 01 00:00:00 2020 to Feb 01 00:00:00 2020 only; mind the clock, too',
  ],
  [
    "no trusted RSA public key found for 'CN=gw'",
    'authentication failed: no certificate that we can trust names "CN=gw"',
  ],
  [
    'signature validation failed, looking for another key',
    'authentication failed: gw signs with a key that does not fit its certificate',
  ],
  ['received DELETE for IKE_SA office[1]', 'gw closed the tunnel'],
  ['received DELETE for ESP CHILD_SA with SPI c80a3e26', 'gw closed the tunnel'],
  ['received INTERNAL_ADDRESS_FAILURE notify error', 'gw refused the tunnel: INTERNAL_ADDRESS_FAILURE'],
  [
    'unable to install inbound and outbound IPsec SA (SAD) in kernel',
    'the security association could not be installed; see the charon log',
  ],
];

for (const [line, words] of faults) {
  test(`"${line}" is told in words`, () => {
    const clue = readLogLine(line);
    assert.equal(clue?.kind, 'fault');
    assert.equal(faultWords(clue.fault, tunnel({ remoteGateway: 'gw' })), words);
  });
}

test('a refused certificate is no refused key', () => {
  const clue = readLogLine('received AUTHENTICATION_FAILED notify error');
  assert.ok(clue?.kind === 'fault');
  assert.match(faultWords(clue.fault, tunnel({ auth: VpnAuth.CERTIFICATE })), /refuses our certificate/);
});

for (const [line, clue] of [
  ['initiating IKE_SA office[3] to 198.51.100.1', { kind: 'attempt' }],
  ['initiating Main Mode IKE_SA office[3] to 198.51.100.1', { kind: 'attempt' }],
  ['IKE_SA office[1] established between 192.0.2.1[a]...192.0.2.2[b]', { kind: 'established' }],
  ['parsed INFORMATIONAL response 3 [ ]', { kind: 'answer' }],
  ['retransmit 2 of request with message ID 0', { kind: 'silence', repeated: 2 }],
  ['giving up after 5 retransmits', { kind: 'silence', repeated: 5 }],
  ['198.51.100.2 is initiating an IKE_SA', { kind: 'caller', address: '198.51.100.2' }],
  ['198.51.100.2 is initiating a Main Mode IKE_SA', { kind: 'caller', address: '198.51.100.2' }],
  [
    'looking for peer configs matching 192.0.2.1[gw.example]...198.51.100.2[O=test, CN=me]',
    { kind: 'ids', asked: 'gw.example', own: 'O=test, CN=me' },
  ],
  [
    'looking for pre-shared key peer configs matching 192.0.2.1...198.51.100.2[169.254.64.2]',
    { kind: 'ids', asked: '', own: '169.254.64.2' },
  ],
  ['parsed IKE_SA_INIT request 0 [ SA KE No ]', null],
  ['sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (232 bytes)', null],
  ["selected peer config 'office'", null],
] as const) {
  test(`"${line}" is read`, () => assert.deepEqual(readLogLine(line), clue));
}

test('any line is read or left, never an exception; and each fault has words', () => {
  fc.assert(fc.property(fc.string(), line => void readLogLine(line)));
  for (const code of FAULT_CODES) assert.ok(faultWords({ code, details: [] }, tunnel()).length > 10);
});
