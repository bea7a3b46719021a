import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FrameType } from '../../../../shared/proto/messages.ts';
import { encodeFrame } from '../../../../shared/pubsub/frame-writer.ts';
import { helloOf } from '../../../../shared/pubsub/identity.ts';
import { Hub, type PubsubError, Session } from '../../../../shared/pubsub/index.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeWire, wirePair } from './fake-wire.ts';
import { framesOf, identity, link, publication, recorder, recordingLog, TOPIC, textCodec } from './support.ts';

describe('a session', () => {
  test('after a lost connection tells what changed meanwhile, and of what did not change nothing', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (const key of ['same', 'changed', 'gone']) pub.set(key, '1');
    pub.signalRestarted();
    hub.add(pub);
    const { session, wires } = link({ hub });
    const { events, handlers } = recorder();
    const subscription = session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    await clock.pass(10);
    events.length = 0;
    wires[0]!.destroy();
    pub.set('changed', '2');
    pub.delete('gone');
    pub.set('new', '1');
    await clock.pass(2);
    assert.deepEqual(events, ['stale']);
    assert.deepEqual([session.state, session.peer, subscription.stale], ['connecting', null, true]);
    assert.equal(subscription.entries.get('gone'), '1', 'what was last heard');
    await clock.pass(30);
    assert.deepEqual(events, ['stale', '~changed=2 was 1', '+new=1', '-gone was 1', 'synchronized']);
    assert.deepEqual([session.state, subscription.stale], ['connected', false]);
    session.close();
  });

  test('that lost its connection while it unsubscribed subscribes anew on the next one', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    hub.add(publication());
    const { session, wires } = link({ hub });
    const first = session.subscribe(TOPIC, textCodec, {});
    session.start();
    await clock.pass(10);
    first.close();
    const second = session.subscribe(TOPIC, textCodec, {});
    wires[0]!.destroy();
    await clock.pass(30);
    assert.equal(second.synchronized, true);
    session.close();
  });

  test('leaves nothing of itself at the other side', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    hub.add(pub);
    for (const end of ['close', 'destroy'] as const) {
      const { session, peers } = link({ hub });
      const subscription = session.subscribe(TOPIC, textCodec, {});
      session.subscribe('pub/ni2/DnsRequest', textCodec, {});
      session.start();
      await clock.pass(10);
      assert.deepEqual([pub.subscribers, hub.wanted()], [1, ['pub/ni2/DnsRequest']]);
      subscription.close();
      await clock.pass(10);
      assert.equal(pub.subscribers, 0);
      session.subscribe(TOPIC, textCodec, {});
      await clock.pass(10);
      assert.equal(pub.subscribers, 1);
      peers[0]![end]();
      await clock.pass(5);
      assert.deepEqual([pub.subscribers, hub.wanted()], [0, []]);
      session.close();
    }
  });

  test('stays connected as long as nobody ends it', async t => {
    const clock = new FakeClock(t);
    const { session, peers } = link({ hub: new Hub() });
    session.start();
    await clock.pass(30_000);
    assert.deepEqual([session.state, peers.length], ['connected', 1]);
    session.close();
  });

  test('tells nothing more of a subscription that a handler closed while it was put in step', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (const key of ['a', 'b', 'c']) pub.set(key, '1');
    hub.add(pub);
    const { session, wires } = link({ hub });
    const { events, handlers } = recorder();
    const subscription = session.subscribe(TOPIC, textCodec, {
      ...handlers,
      deleted: key => {
        events.push(`-${key}`);
        subscription.close();
      },
    });
    session.start();
    await clock.pass(10);
    wires[0]!.destroy();
    pub.replaceAll(new Map());
    events.length = 0;
    await clock.pass(30);
    assert.deepEqual(events, ['stale', '-a']);
    assert.equal(session.state, 'connected');
    session.close();
  });

  test('tells the restart counter again when it is another process that counts', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    pub.signalRestarted();
    hub.add(pub);
    let pid = 1;
    const { session, wires } = link({ hub, identity: () => identity('pub', pid) });
    const { events, handlers } = recorder();
    session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    await clock.pass(10);
    wires[0]!.destroy();
    await clock.pass(30);
    assert.deepEqual(events.splice(0), ['synchronized', 'restarted 1', 'stale', 'synchronized']);
    pid = 7;
    wires[1]!.destroy();
    await clock.pass(60);
    assert.deepEqual(events, ['stale', 'synchronized', 'restarted 1']);
    session.close();
  });

  test('knows who answered, and says so', async t => {
    const clock = new FakeClock(t);
    const { session, peers, wires } = link({ hub: new Hub() });
    const events: unknown[] = [];
    session.on('connected', hello => events.push(['connected', hello.agent, session.peer?.pid]));
    session.on('disconnected', reason => events.push(['disconnected', reason]));
    assert.equal(session.state, 'closed');
    session.start();
    assert.equal(session.state, 'connecting');
    await clock.pass(10);
    assert.equal(peers[0]!.hello?.agent, 'sub');
    assert.deepEqual(session.peer, helloOf(identity('pub')));
    wires[0]!.destroy();
    await clock.pass(2);
    session.close();
    assert.deepEqual(events, [
      ['connected', 'pub', 1],
      ['disconnected', 'the connection was closed'],
    ]);
    assert.throws(() => session.start(), { code: 'ERR_CLOSED' });
  });

  test('waits longer from failure to failure, up to its maximum, and tells a new problem once', async t => {
    const clock = new FakeClock(t);
    const { lines, log } = recordingLog();
    let dials = 0;
    const connect = () => {
      dials++;
      return Promise.reject(new Error('nobody there'));
    };
    const session = new Session({ connect, identity: identity('sub'), log, backoff: { firstMs: 100, maxMs: 1000 } });
    session.start();
    await clock.pass(1250); // 100 + 200 + 400 at most +20 %, then 800
    assert.ok(dials >= 4 && dials <= 5, `${dials} dials`);
    await clock.pass(10_000);
    assert.ok(dials >= 12 && dials <= 18, `${dials} dials`);
    assert.deepEqual(
      lines.map(line => line.fields.problem),
      ['nobody there'],
    );
    session.close();
    assert.equal(clock.pending, 0);
  });

  test('refuses whom it does not expect, says why, and tries again', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    hub.add(publication());
    let pid = 5;
    const expect = (hello: { pid: number }) => {
      if (hello.pid !== 6) throw new Error(`pid ${hello.pid} instead of 6`);
    };
    const { session, wires } = link({ hub, identity: () => identity('pub', pid) }, { expect });
    const refused: PubsubError[] = [];
    session.on('refused', error => refused.push(error));
    const subscription = session.subscribe(TOPIC, textCodec, {});
    session.start();
    await clock.pass(8);
    assert.deepEqual(
      refused.map(error => error.code),
      ['ERR_REFUSED'],
    );
    assert.match(refused[0]!.message, /pub \(pid 5\) .*pid 5 instead of 6/);
    assert.ok(wires[0]!.isClosed);
    assert.equal(subscription.synchronized, false);
    pid = 6;
    await clock.pass(30);
    assert.equal(session.state, 'connected');
    session.close();
  });

  test('and a side of another major version both say which versions there are', async t => {
    const clock = new FakeClock(t);
    const { session, peers } = link({ hub: new Hub() }, { backoff: { firstMs: 1000, maxMs: 1000 } });
    const refused: PubsubError[] = [];
    session.on('refused', error => refused.push(error));
    session.start();
    await clock.pass(0);
    // The stranger's hello overtakes the peer's own one.
    const [near, far] = wirePair();
    const stranger = new Session({
      connect: () => Promise.resolve(near),
      identity: identity('new'),
      backoff: { firstMs: 1000, maxMs: 1000 },
    });
    const strangerRefused: PubsubError[] = [];
    stranger.on('refused', error => strangerRefused.push(error));
    far.attach({ onBytes() {}, onDrain() {}, onClose() {} });
    stranger.start();
    await clock.pass(0);
    far.send(
      encodeFrame({
        type: FrameType.HELLO,
        hello: { ...helloOf(identity('old')), protocolMajor: 7, protocolMinor: 3 },
      }),
    );
    await clock.pass(10);
    assert.equal(strangerRefused[0]?.code, 'ERR_PROTOCOL_VERSION');
    assert.match(strangerRefused[0].message, /1\.0.*7\.3/);
    const [hello, error] = framesOf(near.sent);
    assert.deepEqual(
      [hello?.type, error?.type, error?.error?.code],
      [FrameType.HELLO, FrameType.ERROR, 'ERR_PROTOCOL_VERSION'],
    );
    assert.equal(error?.error?.message, strangerRefused[0].message);
    assert.deepEqual([refused, peers.length], [[], 1], 'others are not concerned');
    session.close();
    stranger.close();
  });

  test('hears the refusal of the other side', async t => {
    const clock = new FakeClock(t);
    const expect = () => {
      throw new Error('not you');
    };
    const { session } = link({ hub: new Hub(), expect }, { backoff: { firstMs: 1000, maxMs: 1000 } });
    const refused: PubsubError[] = [];
    session.on('refused', error => refused.push(error));
    session.start();
    await clock.pass(20);
    assert.equal(refused[0]?.code, 'ERR_REFUSED');
    assert.match(refused[0].message, /not you/);
    session.close();
  });

  test('pings, counts silence, and forgets it when something is heard', async t => {
    const clock = new FakeClock(t);
    const { session, wires } = link({ hub: new Hub() }, { pingIntervalMs: 100 });
    let pongs = 0;
    session.on('pong', rttMs => {
      assert.ok(rttMs >= 0);
      pongs++;
    });
    session.start();
    await clock.pass(1050);
    assert.equal(session.missedPings, 0);
    assert.equal(pongs, 10);
    assert.ok(session.lastHeard > 0 && session.lastHeard <= performance.now());
    wires[0]!.stalled = true;
    await clock.pass(500);
    assert.ok(session.missedPings >= 3 && session.missedPings <= 4, `${session.missedPings} missed`);
    assert.equal(session.state, 'connected', 'what to do about it is for others to say');
    wires[0]!.resume();
    await clock.pass(5);
    assert.equal(session.missedPings, 0);
    const before = pongs;
    await clock.pass(300);
    assert.ok(pongs > before);
    session.close();
  });

  test('leaves no timer behind, whenever it is closed', async t => {
    const clock = new FakeClock(t);
    for (const ms of [0, 1, 2, 3, 5, 20]) {
      const hub = new Hub();
      const pub = publication();
      hub.add(pub);
      const { session } = link({ hub });
      const subscription = session.subscribe(TOPIC, textCodec, {});
      session.start();
      await clock.pass(ms);
      pub.set('a', '1');
      session.close();
      assert.equal(session.state, 'closed');
      await clock.pass(10);
      assert.equal(clock.pending, 0, `closed after ${ms} ms`);
      assert.equal(subscription.synchronized, false);
    }
  });

  test('that is closed while it dials gives the wire back', async t => {
    const clock = new FakeClock(t);
    const wire = new FakeWire({});
    let answer: (wire: FakeWire) => void = () => {};
    const session = new Session({
      connect: () => new Promise(resolve => (answer = resolve)),
      identity: identity('sub'),
    });
    session.start();
    session.close();
    answer(wire);
    await clock.pass(5);
    assert.ok(wire.isClosed);
    assert.equal(clock.pending, 0);
  });

  test('survives listeners that throw and handlers that close it', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (const key of ['a', 'b', 'c']) pub.set(key, '1');
    hub.add(pub);
    const { lines, log } = recordingLog();
    const { session } = link({ hub }, { log });
    session.on('connected', () => {
      throw new Error('listener');
    });
    const seen: string[] = [];
    session.subscribe(TOPIC, textCodec, {
      created: key => {
        seen.push(key);
        session.close();
      },
      synchronized: () => void seen.push('synchronized'),
    });
    session.start();
    await clock.pass(20);
    assert.deepEqual(seen, ['a'], 'nothing more after it was closed');
    assert.deepEqual(
      lines.filter(line => line.level === 'error').map(line => line.fields.reason),
      ['listener'],
    );
    assert.equal(clock.pending, 0);
  });
});
