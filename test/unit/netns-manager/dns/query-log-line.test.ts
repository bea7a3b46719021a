import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseQueryLogLine } from '../../../../netns-manager/dns/query-log-line.ts';

const cases: [string, ReturnType<typeof parseQueryLogLine>][] = [
  [
    '1 10.10.1.2/52376 query[A] GitHub.com from 10.10.1.2',
    { kind: 'query', serial: 1, client: '10.10.1.2', name: 'github.com' },
  ],
  ['1 10.10.1.2/52376 forwarded github.com to 192.168.0.1', null],
  ['1 10.10.1.2/52376 nftset add 4 inet nibox h4 1.2.3.4 github.com', null],
  [
    '1 10.10.1.2/52376 reply github.com is 1.2.3.4',
    { kind: 'answer', serial: 1, client: '10.10.1.2', address: '1.2.3.4' },
  ],
  ['3 10.10.1.2/42452 reply www.github.com is <CNAME>', null],
  [
    '2 10.10.1.2/1 cached github.com is 1.2.3.4',
    { kind: 'answer', serial: 2, client: '10.10.1.2', address: '1.2.3.4' },
  ],
  [
    '6 fd00:1::2/1 reply github.com is 2001:DB8::7',
    { kind: 'answer', serial: 6, client: 'fd00:1::2', address: '2001:db8::7' },
  ],
  [
    '8 10.10.1.2/1 /run/x/hosts app_1 is 10.10.1.2',
    { kind: 'answer', serial: 8, client: '10.10.1.2', address: '10.10.1.2' },
  ],
  ['7 10.10.1.2/54934 config app_1 is NODATA-IPv6', null],
  ['9 10.10.1.2/39321 reply error is REFUSED', null],
];

for (const [text, expected] of cases) {
  test(`a line of the query log is understood: ${text}`, () => {
    assert.deepEqual(parseQueryLogLine(`Nov  3 04:00:12 dnsmasq[6158]: ${text}`), expected);
  });
}

test('other lines are passed over, whatever they hold', () => {
  assert.equal(parseQueryLogLine('Nov 23 04:00:12 dnsmasq-dhcp[6158]: DHCPACK(br) 10.10.1.2 02:16:3e:00:00:01'), null);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => parseQueryLogLine(text) === null));
});
