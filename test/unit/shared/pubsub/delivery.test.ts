import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { codecs, FrameType } from '../../../../shared/proto/messages.ts';
import { encodeFrame } from '../../../../shared/pubsub/frame-writer.ts';
import { Hub, Publication, topicName } from '../../../../shared/pubsub/index.ts';
import { FakeClock } from './fake-clock.ts';
import { framesOf, link, publication, recorder, recordingLog, TOPIC, textCodec } from './support.ts';

describe('a subscription', () => {
  test('gets the snapshot, then complete, then the restart counter, then changes', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    pub.set('a', '1');
    pub.set('b', '2');
    pub.signalRestarted();
    hub.add(pub);
    const { session } = link({ hub });
    const { events, handlers } = recorder();
    const subscription = session.subscribe(TOPIC, textCodec, handlers);
    assert.deepEqual([subscription.synchronized, subscription.stale], [false, false]);
    session.start();
    await clock.pass(10);
    assert.deepEqual(events, ['+a=1', '+b=2', 'synchronized', 'restarted 1']);
    assert.deepEqual([subscription.synchronized, subscription.stale], [true, false]);
    events.length = 0;
    pub.set('c', '3');
    pub.signalRestarted();
    await clock.pass(10);
    assert.deepEqual(events, ['+c=3', 'restarted 2']);
    assert.deepEqual(
      [...subscription.entries],
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ],
    );
    session.close();
  });

  test('is told of deletes before updates, of a key once, and of nothing that is again what it was', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (const key of ['a', 'b', 'c']) pub.set(key, '0');
    hub.add(pub);
    const { session, wires } = link({ hub });
    const { events, handlers } = recorder();
    session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    await clock.pass(10);
    events.length = 0;
    wires[0]!.sent.length = 0;
    for (let i = 1; i <= 10; i++) pub.set('a', String(i)); // ten values, one update
    pub.set('b', 'x');
    pub.set('b', '0'); // as before
    pub.set('new', '1');
    pub.delete('new'); // never seen
    pub.delete('c');
    assert.equal(pub.set('a', '10'), false);
    await clock.pass(10);
    assert.deepEqual(events, ['-c was 0', '~a=10 was 0']);
    assert.equal(wires[0]!.sent.length, 1, 'all in one write');
    const { DELETE, UPDATE } = FrameType;
    assert.deepEqual(
      framesOf(wires[0]!.sent).map(({ type, key }) => [type, key]),
      [
        [DELETE, 'c'],
        [UPDATE, 'a'],
      ],
    );
    session.close();
  });

  test('of a topic that nobody publishes waits for it, and goes stale when it is withdrawn', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const { session } = link({ hub });
    const { events, handlers } = recorder();
    const subscription = session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    await clock.pass(10);
    assert.deepEqual(events, []);
    const first = publication();
    first.set('a', '1');
    first.set('b', '1');
    hub.add(first);
    await clock.pass(10);
    assert.deepEqual(events.splice(0), ['+a=1', '+b=1', 'synchronized']);
    first.close();
    assert.deepEqual(hub.list(), []);
    await clock.pass(10);
    assert.deepEqual(events.splice(0), ['stale']);
    assert.deepEqual([subscription.synchronized, subscription.stale, subscription.entries.size], [false, true, 2]);
    const second = publication();
    second.set('a', '1');
    second.set('c', '1');
    hub.add(second);
    await clock.pass(10);
    assert.deepEqual(events, ['+c=1', '-b was 1', 'synchronized']);
    assert.equal(subscription.stale, false);
    session.close();
  });

  test('that was closed hears nothing more, and the topic can be subscribed to again at once', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    pub.set('a', '1');
    pub.set('b', '1');
    hub.add(pub);
    const { session, peers } = link({ hub }, { wire: { latencyMs: 5 } });
    const first = recorder();
    const one = session.subscribe(TOPIC, textCodec, first.handlers);
    assert.throws(() => session.subscribe(TOPIC, textCodec, {}), { code: 'ERR_ALREADY_SUBSCRIBED' });
    session.start();
    await clock.pass(30);
    pub.set('a', '2'); // on its way when the subscription closes
    pub.delete('b');
    await clock.pass(2);
    one.close();
    const second = recorder();
    const two = session.subscribe(TOPIC, textCodec, second.handlers);
    await clock.pass(40);
    assert.deepEqual(first.events, ['+a=1', '+b=1', 'synchronized']);
    assert.deepEqual(second.events, ['+a=2', 'synchronized']);
    two.close();
    session.subscribe(TOPIC, textCodec, {}).close();
    const last = session.subscribe(TOPIC, textCodec, {});
    await clock.pass(40);
    assert.equal(last.synchronized, true);
    assert.equal(peers.length, 1, 'all on one connection');
    session.close();
  });

  test('outlives what its handlers throw, late or at once', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    pub.set('a', '1');
    hub.add(pub);
    const { lines, log } = recordingLog();
    const { session } = link({ hub }, { log });
    const subscription = session.subscribe(TOPIC, textCodec, {
      created: () => {
        throw new Error('at once');
      },
      modified: async () => {
        throw new Error('late');
      },
    });
    session.start();
    await clock.pass(10);
    pub.set('a', '2');
    await clock.pass(10);
    assert.equal(subscription.entries.get('a'), '2');
    assert.deepEqual(
      lines.map(line => [line.level, line.fields.event, line.fields.reason]),
      [
        ['error', 'created', 'at once'],
        ['error', 'modified', 'late'],
      ],
    );
    session.close();
  });

  test('can be made by the accepting side too', async t => {
    const clock = new FakeClock(t);
    const offered = new Hub();
    const pub = publication();
    pub.set('a', '1');
    offered.add(pub);
    const { session, peers } = link({ hub: new Hub() }, { hub: offered });
    session.start();
    await clock.pass(1);
    const { events, handlers } = recorder();
    const subscription = peers[0]!.subscribe(TOPIC, textCodec, handlers);
    await clock.pass(10);
    assert.deepEqual(events, ['+a=1', 'synchronized']);
    session.close();
    await clock.pass(10);
    assert.equal(subscription.stale, true);
  });

  test('needs the codec of its topic', () => {
    const { session } = link({ hub: new Hub() });
    assert.throws(() => session.subscribe('pub/ni1/ItemState', textCodec as never, {}), { code: 'ERR_BAD_TOPIC' });
    assert.throws(() => session.subscribe('pub/DnsRequest', textCodec, {}), { code: 'ERR_BAD_TOPIC' });
    session.close();
  });

  test('carries the real messages as they are', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = new Publication({ agent: 'supervisor', scope: 'ni1', codec: codecs.UplinkStatus });
    hub.add(pub);
    const status = {
      name: 'eth0',
      label: 'up',
      up: true,
      addresses: ['192.168.0.2/24'],
      gateways: [],
      dnsServers: [],
      ntpServers: [],
      mtu: 1500,
      selected: true,
    };
    pub.set('eth0', status);
    const { session } = link({ hub });
    const topic = topicName('supervisor', 'ni1', 'UplinkStatus');
    const subscription = session.subscribe(topic, codecs.UplinkStatus, {});
    session.start();
    await clock.pass(10);
    const { addresses, mtu, gateways } = subscription.entries.get('eth0')!;
    assert.deepEqual([addresses, mtu, gateways], [['192.168.0.2/24'], 1500, []]);
    session.close();
  });
});

describe('a publication', () => {
  test('tells 20 subscribers with the same bytes', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    hub.add(pub);
    const links = Array.from({ length: 20 }, () => link({ hub }));
    const subscriptions = links.map(({ session }) => {
      session.start();
      return session.subscribe(TOPIC, textCodec, {});
    });
    await clock.pass(10);
    for (const { wires } of links) wires[0]!.writes = 0;
    for (let i = 0; i < 1000; i++) pub.set(`key-${i}`, 'x'.repeat(150));
    await clock.pass(20);
    for (const subscription of subscriptions) assert.equal(subscription.entries.size, 1000);
    for (const { wires } of links) assert.ok(wires[0]!.writes <= 4, `${wires[0]!.writes} writes`);
    for (const { session } of links) session.close();
  });

  test('refuses what it can not carry and is as before', () => {
    const pub = publication();
    pub.set('a', '1');
    assert.throws(() => pub.set('a/b', '1'), { code: 'ERR_BAD_KEY' });
    assert.throws(() => pub.set('a', 'x'.repeat(17 * 1024 * 1024)), { code: 'ERR_FRAME_TOO_BIG' });
    assert.deepEqual([...pub.entries()], [['a', '1']]);
    assert.equal(pub.delete('b'), false);
    assert.throws(() => new Publication({ agent: 'a/b', scope: 'c', codec: textCodec }), { code: 'ERR_BAD_TOPIC' });
  });

  test('tells a subscriber who comes in the middle of a turn no more than there is', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    pub.set('a', '1');
    pub.set('gone', '1');
    hub.add(pub);
    const [early, late] = [link({ hub }), link({ hub })];
    early.session.subscribe(TOPIC, textCodec, {});
    for (const { session } of [early, late]) session.start();
    await clock.pass(10);
    late.wires[0]!.sent.length = 0;
    pub.delete('gone');
    pub.set('a', '2');
    late.wires[0]!.inject(encodeFrame({ type: FrameType.SUBSCRIBE, topic: TOPIC }));
    await clock.pass(0);
    assert.deepEqual(
      framesOf(late.wires[0]!.sent).map(({ type, key }) => [type, key]),
      [
        [FrameType.UPDATE, 'a'],
        [FrameType.COMPLETE, ''],
      ],
    );
    for (const { session } of [early, late]) session.close();
  });

  test('may stand in several hubs, but a topic only once in each', async t => {
    const clock = new FakeClock(t);
    const [one, two] = [new Hub(), new Hub()];
    const pub = publication();
    one.add(pub);
    two.add(pub);
    assert.throws(() => one.add(publication()), { code: 'ERR_TOPIC_TAKEN' });
    const links = [link({ hub: one }), link({ hub: two })];
    const subscriptions = links.map(({ session }) => {
      session.start();
      return session.subscribe(TOPIC, textCodec, {});
    });
    pub.set('a', '1');
    await clock.pass(10);
    two.remove(pub);
    pub.set('a', '2');
    await clock.pass(10);
    assert.deepEqual(
      subscriptions.map(s => [s.entries.get('a'), s.stale]),
      [
        ['2', false],
        ['1', true],
      ],
    );
    assert.deepEqual([one.list(), two.list()], [[TOPIC], []]);
    for (const { session } of links) session.close();
  });

  test('replaceAll deletes, changes and adds, and leaves what is equal', () => {
    const pub = publication();
    pub.set('a', '1');
    pub.set('b', '1');
    pub.replaceAll(
      new Map([
        ['b', '1'],
        ['c', '3'],
      ]),
    );
    assert.deepEqual(
      [...pub.entries()],
      [
        ['b', '1'],
        ['c', '3'],
      ],
    );
    assert.equal(pub.get('c'), '3');
    assert.equal(pub.size, 2);
  });

  test('that closes its connection in the same turn still gets its last words out', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    hub.add(pub);
    const { session, peers } = link({ hub }, { backoff: { firstMs: 1000, maxMs: 1000 } });
    const subscription = session.subscribe(TOPIC, textCodec, {});
    session.start();
    await clock.pass(10);
    pub.set('state', 'gone');
    peers[0]!.close();
    await clock.pass(10);
    assert.equal(subscription.entries.get('state'), 'gone');
    assert.equal(subscription.stale, true);
    session.close();
  });
});

describe('a subscriber that does not read', () => {
  test('costs keys and not values, and gets the latest when it reads again', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    hub.add(pub);
    const { session, wires } = link({ hub }, { wire: { capacity: 100_000 } });
    const { events, handlers } = recorder();
    const subscription = session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    await clock.pass(10);
    wires[0]!.stalled = true;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 100; i++) pub.set(`key-${i}`, `${round}${'x'.repeat(1000)}`);
      await clock.pass(1);
    }
    assert.ok(wires[0]!.maxQueued < 400_000, `${wires[0]!.maxQueued} bytes queued`);
    pub.delete('key-0');
    wires[0]!.resume();
    await clock.pass(50);
    assert.equal(subscription.entries.size, 99);
    for (const [, value] of subscription.entries) assert.ok(value.startsWith('199x'));
    assert.ok(events.length < 1000, `${events.length} events`);
    session.close();
  });

  test('is not told again what is as it was when it reads again', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (const key of ['a', 'b', 'c']) pub.set(key, '1');
    hub.add(pub);
    const { session, wires } = link({ hub }, { wire: { capacity: 10 } });
    const { events, handlers } = recorder();
    session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    await clock.pass(20);
    events.length = 0;
    wires[0]!.stalled = true;
    pub.set('filler', 'x'.repeat(100));
    await clock.pass(2);
    // In different turns, or the table would see it.
    for (const value of ['2', '1']) {
      pub.set('a', value);
      pub.delete('b');
      await clock.pass(2);
      pub.set('b', value);
      pub.set('new', value);
      await clock.pass(2);
    }
    pub.delete('c');
    pub.delete('new');
    await clock.pass(2);
    wires[0]!.resume();
    await clock.pass(20);
    assert.deepEqual(events, [`+filler=${'x'.repeat(100)}`, '-c was 1']);
    session.close();
  });

  test('that drains in the turn in which keys change sees each change once', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (const key of ['a', 'b', 'c']) pub.set(key, '1');
    hub.add(pub);
    const { session, wires } = link({ hub }, { wire: { capacity: 10 } });
    const { events, handlers } = recorder();
    session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    await clock.pass(20);
    events.length = 0;
    pub.set('filler', 'x'.repeat(100));
    await clock.pass(0);
    for (const key of ['a', 'b', 'c']) pub.set(key, '2');
    await clock.pass(0);
    pub.delete('a');
    pub.set('b', '3');
    wires[0]!.deliverNow();
    await clock.pass(20);
    assert.deepEqual(events.slice(1).sort(), ['-a was 1', '~b=3 was 1', '~c=2 was 1']);
    session.close();
  });

  test('gets a snapshot that ends although keys keep changing', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    for (let i = 0; i < 300; i++) pub.set(`key-${i}`, 'x'.repeat(1000));
    hub.add(pub);
    const { session } = link({ hub }, { wire: { capacity: 20_000, cut: due => Math.min(due, 30_000) } });
    const { events, handlers } = recorder();
    const subscription = session.subscribe(TOPIC, textCodec, handlers);
    session.start();
    // Each millisecond 60 kB change while 30 kB get through.
    let n = 0;
    while (!subscription.synchronized && n < 2000) {
      for (let i = 0; i < 60; i++) pub.set(`key-${n++ % 300}`, `${n}${'y'.repeat(1000)}`);
      await clock.pass(1);
    }
    assert.equal(subscription.synchronized, true);
    assert.equal(events.filter(event => event.startsWith('+')).length, 300);
    session.close();
  });

  test('does not slow the others down', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    hub.add(pub);
    const slow = link({ hub }, { wire: { capacity: 1000 } });
    const fast = link({ hub });
    for (const { session } of [slow, fast]) session.start();
    const [behind, level] = [slow, fast].map(({ session }) => session.subscribe(TOPIC, textCodec, {}));
    await clock.pass(10);
    slow.wires[0]!.stalled = true;
    for (let i = 0; i < 500; i++) pub.set(`key-${i}`, 'x'.repeat(100));
    await clock.pass(10);
    assert.equal(level!.entries.size, 500);
    assert.equal(behind!.entries.size, 0);
    for (const { session } of [slow, fast]) session.close();
  });

  test('and pings all the time is answered once when it reads again', async t => {
    const clock = new FakeClock(t);
    const hub = new Hub();
    const pub = publication();
    hub.add(pub);
    const { session, wires } = link({ hub }, { wire: { capacity: 10 } });
    session.subscribe(TOPIC, textCodec, {});
    session.start();
    await clock.pass(10);
    wires[0]!.stalled = true;
    pub.set('a', 'x'.repeat(100));
    await clock.pass(1);
    wires[0]!.sent.length = 0;
    for (let count = 1; count <= 1000; count++) wires[0]!.inject(encodeFrame({ type: FrameType.PING, count }));
    await clock.pass(5);
    assert.equal(wires[0]!.sent.length, 0);
    wires[0]!.resume();
    await clock.pass(5);
    assert.deepEqual(
      framesOf(wires[0]!.sent).map(frame => [frame.type, frame.count]),
      [[FrameType.PONG, 1000]],
    );
    session.close();
  });
});
