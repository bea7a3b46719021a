import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkKey, identifySelf, parseTopic, topicName } from '../../../../shared/pubsub/index.ts';

describe('topics', () => {
  test('a topic is put together and taken apart', () => {
    const topic = topicName('supervisor', 'ni-1.a_b', 'UplinkStatus');
    assert.equal(topic, 'supervisor/ni-1.a_b/UplinkStatus');
    assert.deepEqual(parseTopic(topic), { agent: 'supervisor', scope: 'ni-1.a_b', messageType: 'UplinkStatus' });
  });

  for (const [agent, scope, messageType] of [
    ['', 'a', 'B'],
    ['a', '', 'B'],
    ['a', 'b', ''],
    ['a/b', 'c', 'D'],
    ['..', 'a', 'B'],
    ['a', '.hidden', 'B'],
    ['a', 'b', 'B.C'],
    ['a', 'b', '1B'],
    ['a b', 'c', 'D'],
    ['a', 'b\n', 'D'],
    ['a'.repeat(64), 'b', 'C'],
  ] as const) {
    test(`${JSON.stringify([agent, scope, messageType])} makes no topic`, () => {
      assert.throws(() => topicName(agent, scope, messageType), { code: 'ERR_BAD_TOPIC' });
    });
  }

  test('any text is a topic or an ERR_BAD_TOPIC that quotes no more than 100 characters of it', () => {
    const property = fc.property(
      fc.oneof(
        fc.string({ maxLength: 300 }),
        fc.string().map(s => `a/b/${s}`),
      ),
      text => {
        try {
          const { agent, scope, messageType } = parseTopic(text);
          assert.equal(`${agent}/${scope}/${messageType}`, text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ERR_BAD_TOPIC');
          assert.ok((error as Error).message.length < 700);
        }
      },
    );
    fc.assert(property);
  });

  test('half a surrogate pair is no key', () => {
    assert.throws(() => checkKey('a\ud800b'), { code: 'ERR_BAD_KEY' });
    checkKey('a\ud83d\ude00b');
  });
});

test('a process knows who it is', () => {
  const self = identifySelf('supervisor', '1.2.3');
  assert.equal(self.pid, process.pid);
  assert.equal(`net:[${self.netnsInode}]`, readlinkSync('/proc/self/ns/net'));
  // Started since boot, at most as long ago as this process has run, give or take a second.
  const ticksPerSecond = 100;
  const uptime = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
  const age = uptime - self.startTime / ticksPerSecond;
  assert.ok(Math.abs(age - process.uptime()) < 2, `${age} and ${process.uptime()}`);
});
