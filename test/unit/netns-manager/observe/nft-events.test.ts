import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NftEvents } from '../../../../netns-manager/observe/nft-events.ts';

const RULE = 'add rule inet nibox forward accept';
const madeBy = (pid: number) => `# new generation 7 by process ${pid} (nft)`;
const changes = (events: NftEvents, ...lines: string[]) => lines.map(line => events.line(line));

test('a transaction of somebody else is a change when it is complete', () => {
  assert.deepEqual(changes(new NftEvents(), RULE, RULE, madeBy(5), madeBy(6)), [false, false, true, false]);
});

test('a transaction of our own is none, once', () => {
  const events = new NftEvents();
  events.begun(5);
  assert.deepEqual(changes(events, RULE, madeBy(5), RULE, madeBy(5)), [false, false, false, true]);
});

test('one of somebody else between two of ours is seen', () => {
  const events = new NftEvents();
  events.begun(5);
  events.begun(7);
  assert.deepEqual(changes(events, RULE, madeBy(5), RULE, madeBy(6), RULE, madeBy(7)), [
    false,
    false,
    false,
    true,
    false,
    false,
  ]);
});

test('elements that dnsmasq puts into host sets are no change, whoever comes next', () => {
  const element = 'add element inet nibox host4_0123 { 192.0.2.1 }';
  assert.deepEqual(changes(new NftEvents(), element, madeBy(9), RULE, madeBy(9)), [false, false, false, true]);
});

test('of transactions that made no event not more than the last 64 are remembered', () => {
  const events = new NftEvents();
  for (let pid = 1; pid <= 65; pid++) events.begun(pid);
  assert.deepEqual(changes(events, RULE, madeBy(1), RULE, madeBy(2)), [false, true, false, false]);
});
