import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answers } from '../../../../netns-manager/dns/answers.ts';
import { DNS_REQUEST_SLOTS, DnsRequestRing } from '../../../../netns-manager/dns/request-ring.ts';
import type { DnsRequest } from '../../../../shared/proto/messages.ts';

const START = 1_700_000_000_000;

function collect() {
  const named: string[] = [];
  const requests: DnsRequest[] = [];
  const answers = new Answers(
    (name, address) => named.push(`${name} ${address}`),
    request => requests.push(request),
  );
  const read = (text: string, now = START) => answers.read(`Nov 23 04:00:12 dnsmasq[1]: ${text}`, now);
  return { named, requests, answers, read };
}

test('the addresses behind an alias count for the name that was asked for', () => {
  const { named, requests, answers, read } = collect();
  read('3 10.10.1.2/42452 query[A] www.github.com from 10.10.1.2');
  read('4 10.10.1.3/1 query[A] other.org from 10.10.1.3');
  read('3 10.10.1.2/42452 reply www.github.com is <CNAME>');
  read('3 10.10.1.2/42452 reply cdn.net is 1.2.3.4');
  read('3 10.10.1.2/42452 reply cdn.net is 1.2.3.5');
  assert.deepEqual(named, ['www.github.com 1.2.3.4', 'www.github.com 1.2.3.5']);
  answers.flush(START + 499);
  assert.deepEqual(requests, []);
  answers.flush(START + 500);
  assert.deepEqual(requests, [
    { hostName: 'www.github.com', addresses: ['1.2.3.4', '1.2.3.5'], time: START, client: '10.10.1.2' },
  ]);
  answers.flush(START + 10_000);
  assert.equal(requests.length, 1, 'a query without an answer is no request to tell of');
});

test('serials that start anew with a new dnsmasq do not mix two queries', () => {
  const { named, requests, read } = collect();
  read('1 10.10.1.2/1 query[A] a.org from 10.10.1.2');
  read('1 10.10.1.2/1 reply a.org is 1.1.1.1');
  read('1 10.10.1.2/2 query[A] b.org from 10.10.1.2');
  read('1 10.10.1.2/2 reply b.org is 2.2.2.2');
  read('1 10.10.1.9/2 reply c.org is 3.3.3.3');
  assert.deepEqual(named, ['a.org 1.1.1.1', 'b.org 2.2.2.2']);
  assert.deepEqual(
    requests.map(({ hostName }) => hostName),
    ['a.org'],
  );
});

test('unanswered queries do not pile up', () => {
  const { requests, answers, read } = collect();
  for (let serial = 1; serial <= 5_000; serial++) read(`${serial} 10.10.1.2/1 query[A] n${serial}.org from 10.10.1.2`);
  read('1 10.10.1.2/1 reply n1.org is 1.1.1.1');
  read('5000 10.10.1.2/1 reply n5000.org is 1.1.1.1');
  answers.flush(START + 1_000);
  assert.deepEqual(
    requests.map(({ hostName }) => hostName),
    ['n5000.org'],
  );
});

test('the ring of requests replaces the oldest', () => {
  const published = new Map<string, DnsRequest>();
  const ring = new DnsRequestRing((key, request) => published.set(key, request));
  for (let time = 0; time <= DNS_REQUEST_SLOTS; time++) ring.add({ hostName: 'x', addresses: [], time, client: '' });
  assert.equal(published.size, DNS_REQUEST_SLOTS);
  assert.equal(published.get('0')?.time, DNS_REQUEST_SLOTS);
  assert.equal(published.get('1')?.time, 1);
});
