import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readConfigText } from '../../../../shared/config/index.ts';
import { makeCertificates } from './certificates.ts';

const PSK = 'Zq7Lmw2Uv4Xy9Bt6';
const { certificate, privateKey, authority } = makeCertificates();
/** So much of a secret in a message is a leak. */
const WINDOW = 8;

const secrets = [PSK, ...privateKey.split('\n').filter(line => line.length >= WINDOW && !line.startsWith('-----'))];
const pieces = new Set(
  secrets.flatMap(text => Array.from({ length: text.length - WINDOW + 1 }, (_, at) => text.slice(at, at + WINDOW))),
);

const document = {
  networkInstances: [
    {
      name: 'ni1',
      type: 'vpn',
      port: 'eth0',
      subnet: '10.10.10.0/24',
      vpn: { remoteGateway: '192.0.2.1', psk: PSK, remoteSubnet: '192.168.0.0/24' },
    },
    {
      name: 'ni2',
      type: 'vpn',
      port: 'eth0',
      subnet: '10.10.10.0/24',
      vpn: {
        tunnels: [
          { name: 'a', remoteGateway: '192.0.2.2', psk: PSK, remoteSubnet: '192.168.1.0/24' },
          {
            name: 'b',
            remoteGateway: '192.0.2.3',
            certificate,
            privateKey,
            authorities: [authority],
            remoteSubnet: '192.168.2.0/24',
          },
        ],
      },
    },
  ],
};

const block = (text: string, indent: string) => text.trimEnd().split('\n').join(`\n${indent}`);
const yaml = `networkInstances:
  - name: ni1
    type: vpn
    port: eth0
    subnet: 10.10.10.0/24
    vpn:
      remoteGateway: 192.0.2.1
      psk: ${PSK}
      remoteSubnet: 192.168.0.0/24
  - name: ni2
    type: vpn
    port: eth0
    subnet: 10.10.10.0/24
    vpn:
      tunnels:
        - { name: a, remoteGateway: 192.0.2.2, psk: "${PSK}", remoteSubnet: 192.168.1.0/24 }
        - name: b
          remoteGateway: 192.0.2.3
          remoteSubnet: 192.168.2.0/24
          certificate: |
            ${block(certificate, '            ')}
          privateKey: |
            ${block(privateKey, '            ')}
          authorities:
            - |
              ${block(authority, '              ')}
`;

function leaksOf(text: string): string[] {
  const told = JSON.stringify(readConfigText(text).issues);
  return [...pieces].filter(piece => told.includes(piece));
}

describe('messages about a document with keys in it', () => {
  it('are none for a good one', () => {
    assert.deepEqual(readConfigText(yaml).issues, []);
    assert.deepEqual(readConfigText(JSON.stringify(document)).issues, []);
  });

  it('show no part of a key, wherever the document is damaged', () => {
    const damage = fc.record({
      text: fc.constantFrom(yaml, JSON.stringify(document), JSON.stringify(document, null, 2)),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      removed: fc.nat({ max: 12 }),
      added: fc.constantFrom(
        '',
        '\n',
        '"',
        ': ',
        '- ',
        '{',
        '}',
        '\t',
        '\\',
        "'",
        'x',
        ',',
        '&a ',
        '*a',
        '!t ',
        '|',
        '#',
        '%',
      ),
    });
    fc.assert(
      fc.property(damage, ({ text, at, removed, added }) => {
        const position = Math.floor(at * text.length);
        assert.deepEqual(leaksOf(text.slice(0, position) + added + text.slice(position + removed)), []);
      }),
      { numRuns: 3000 },
    );
  });

  it('show no key that stands at a wrong place or under a wrong name', () => {
    const [ni] = document.networkInstances;
    const wrong = [
      { ...ni, vpn: PSK },
      { ...ni, vpn: [PSK] },
      { ...ni, vpn: { ...ni!.vpn, pks: PSK } },
      { ...ni, vpn: { ...ni!.vpn, psk: { fiel: PSK } } },
      { ...ni, vpn: { ...ni!.vpn, psk: [PSK] } },
      { ...ni, psk: PSK },
      { ...ni, preSharedKey: PSK },
      { ...ni, vnp: { psk: PSK } },
      { ...ni, type: 'local' },
    ];
    for (const one of wrong) {
      const text = JSON.stringify({ networkInstances: [one] });
      assert.notEqual(readConfigText(text).issues.length, 0);
      assert.deepEqual(leaksOf(text), [], text);
    }
    assert.deepEqual(leaksOf(JSON.stringify({ networkInstances: ni })), []);
  });
});
