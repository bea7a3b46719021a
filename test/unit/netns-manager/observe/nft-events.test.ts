import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NftEvents } from '../../../../netns-manager/observe/nft-events.ts';

const RULE = 'add rule inet nibox forward accept';
const madeBy = (name: string) => `# new generation 7 by process 5 (${name})`;
const changes = (...lines: string[]) => {
  const events = new NftEvents('own-nft');
  return lines.map(line => events.line(line));
};

test('a transaction of somebody else is a change when it is complete', () => {
  assert.deepEqual(changes(RULE, RULE, madeBy('nft'), madeBy('nft')), [false, false, true, false]);
});

test('a transaction of our own is none, whatever its process id', () => {
  assert.deepEqual(changes(RULE, madeBy('own-nft'), RULE, madeBy('own-nft')), [false, false, false, false]);
});

test('one of somebody else between two of ours is seen', () => {
  const all = changes(RULE, madeBy('own-nft'), RULE, madeBy('my own-nft'), RULE, madeBy('own-nft'));
  assert.deepEqual(all, [false, false, false, true, false, false]);
});

test('elements that dnsmasq puts into host sets are no change, whoever comes next', () => {
  const element = 'add element inet nibox host4_0123 { 192.0.2.1 }';
  assert.deepEqual(changes(element, madeBy('dnsmasq'), RULE, madeBy('nft')), [false, false, false, true]);
});
