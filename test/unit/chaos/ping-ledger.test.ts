import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PingLedger } from '../../chaos/flows/ping-ledger.ts';

const answer = (at: number, sequence: number) =>
  `[${at.toFixed(6)}] 64 bytes from 192.168.0.1: icmp_seq=${sequence} ttl=63 time=0.05 ms`;
const none = (at: number, sequence: number) => `[${at.toFixed(6)}] no answer yet for icmp_seq=${sequence}`;

test('a ping without an answer is lost, with the time at which it was missed', () => {
  const ledger = new PingLedger();
  for (const line of [answer(10, 1), none(10.02, 2), answer(10.03, 3)]) ledger.read(line);
  assert.deepEqual(ledger.settle(11_000), [{ at: 10_020 }]);
  assert.deepEqual([ledger.sent, ledger.answered, ledger.lastReply, ledger.lastLine], [3, 2, 10_030, 10_030]);
  assert.deepEqual(ledger.settle(11_000), [], 'once');
});

test('a late answer is an answer', () => {
  const ledger = new PingLedger();
  for (const line of [none(10, 1), none(10.01, 2), answer(10.02, 1), answer(10.03, 2)]) ledger.read(line);
  assert.deepEqual(ledger.settle(11_000), []);
  assert.equal(ledger.answered, 2);
});

test('numbers that are missing from the output are lost', () => {
  const ledger = new PingLedger();
  for (const line of [answer(10, 1), answer(10.5, 4)]) ledger.read(line);
  assert.equal(ledger.settle(11_000).length, 2);
});

test('what was sent a moment ago is not lost yet', () => {
  const ledger = new PingLedger();
  for (const line of [answer(10, 1), none(10.5, 2)]) ledger.read(line);
  assert.deepEqual(ledger.settle(10_400), []);
});

test('numbers go on after 65535', () => {
  const ledger = new PingLedger();
  for (let number = 1; number <= 70_000; number += 1) {
    const line =
      number === 65_536 || number === 68_000
        ? none(number / 100, number % 65_536)
        : answer(number / 100, number % 65_536);
    ledger.read(line);
  }
  assert.equal(ledger.sent, 70_000);
  assert.deepEqual(
    ledger.settle(1_000_000).map(({ at }) => at),
    [655_360, 680_000],
  );
});

test('lines that tell of no ping are passed over', () => {
  const ledger = new PingLedger();
  for (const line of [
    'PING 192.168.0.1 (192.168.0.1) 56(84) bytes of data.',
    '',
    'From 10.10.1.1 icmp_seq=3 Unreachable',
  ]) {
    ledger.read(line);
  }
  assert.equal(ledger.sent, 0);
});
