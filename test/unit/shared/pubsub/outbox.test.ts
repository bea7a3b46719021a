import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../../../../shared/pubsub/outbox.ts';
import type { Wire } from '../../../../shared/pubsub/wire.ts';

function outbox() {
  const sent: string[] = [];
  const wire: Wire = {
    attach() {},
    send: bytes => sent.push(Buffer.from(bytes).toString()) > 0,
    close() {},
    destroy() {},
  };
  return { sent, outbox: new Outbox(wire, () => {}) };
}

const endOfTurn = () => new Promise(resolve => setImmediate(resolve));

test('what is said first in a turn of the event loop goes out at once, in one piece', async () => {
  const { sent, outbox: box } = outbox();
  box.add(Buffer.from('a'));
  box.add(Buffer.from('b'));
  assert.deepEqual(sent, []);
  await null;
  assert.deepEqual(sent, ['ab']);
  await endOfTurn();
  box.add(Buffer.from('c'));
  await null;
  assert.deepEqual(sent, ['ab', 'c']);
});

test('what follows in the same turn is gathered until its end', async () => {
  const { sent, outbox: box } = outbox();
  box.add(Buffer.from('a'));
  for (const more of ['b', 'c', 'd']) {
    await null;
    await null;
    box.add(Buffer.from(more));
  }
  assert.deepEqual(sent, ['a']);
  await endOfTurn();
  assert.deepEqual(sent, ['a', 'bcd']);
});

test('nothing is sent twice or after the end', async () => {
  const { sent, outbox: box } = outbox();
  box.add(Buffer.from('a'));
  box.end();
  await endOfTurn();
  box.add(Buffer.from('b'));
  await endOfTurn();
  assert.deepEqual(sent, ['a']);
});
