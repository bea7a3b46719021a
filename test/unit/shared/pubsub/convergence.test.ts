import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Handlers, Hub, type Publication, type Subscription } from '../../../../shared/pubsub/index.ts';
import { FakeClock } from './fake-clock.ts';
import { type FakeLink, identity, link, publication, TOPIC, textCodec } from './support.ts';

const KEYS = ['a', 'bb', 'ccc', 'dddd', 'ä', 'key-6', 'key-7', 'key-8'];

type Step =
  | { do: 'set'; key: number; value: number }
  | { do: 'delete'; key: number }
  | { do: 'replace'; keys: number[]; value: number }
  | { do: 'burst'; size: number }
  | { do: 'pass'; ms: number }
  | { do: 'cut'; who: number }
  | { do: 'leave'; who: number }
  | { do: 'stall'; who: number }
  | { do: 'resume'; who: number }
  | { do: 'deliver'; who: number }
  | { do: 'withdraw' }
  | { do: 'offer' }
  | { do: 'signal' }
  | { do: 'crash' }
  | { do: 'resubscribe'; who: number };

const who = fc.nat(2);
const key = fc.nat(KEYS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), key, value: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), keys: fc.array(key), value: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('burst' as const), size: fc.nat(40) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stall' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resubscribe' as const), who }) },
  { weight: 1, arbitrary: fc.constant({ do: 'withdraw' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'offer' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'signal' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
);

/** Follows the events alone, and knows which of them make sense. */
class Follower {
  readonly map = new Map<string, string>();
  restarts: number[] = [];
  subscription: Subscription<string>;

  constructor(fake: FakeLink) {
    this.subscription = fake.session.subscribe(TOPIC, textCodec, this.#handlers());
  }

  again(fake: FakeLink): void {
    this.subscription.close();
    this.map.clear();
    this.restarts = [];
    this.subscription = fake.session.subscribe(TOPIC, textCodec, this.#handlers());
  }

  #handlers(): Handlers<string> {
    return {
      created: (k, value) => {
        if (this.map.has(k)) throw new Error(`${k} created twice`);
        this.map.set(k, value);
      },
      modified: (k, value, old) => {
        if (this.map.get(k) !== old || value === old) throw new Error(`${k} modified from ${old} to ${value}`);
        this.map.set(k, value);
      },
      deleted: (k, old) => {
        if (this.map.get(k) !== old) throw new Error(`${k} deleted as ${old}`);
        this.map.delete(k);
      },
      restarted: count => void this.restarts.push(count),
    };
  }
}

test('whatever happens on the way, every subscriber ends with what the publisher has, by events that make sense', async t => {
  const clock = new FakeClock(t);
  const wire = fc.record({
    latencyMs: fc.integer({ min: 1, max: 3 }),
    capacity: fc.constantFrom(1, 40, 300, 5000),
    piece: fc.constantFrom(1, 7, 50, 1_000_000),
  });
  const property = fc.asyncProperty(
    fc.array(wire, { minLength: 3, maxLength: 3 }),
    fc.array(step, { maxLength: 60 }),
    async (wires, steps) => {
      const failures: string[] = [];
      const complain = (fields: object, message: string) => void failures.push(`${message} ${JSON.stringify(fields)}`);
      const log = { debug() {}, info() {}, warn: complain, error: complain };
      const hub = new Hub();
      let pid = 1;
      let pub: Publication<string> = publication();
      let isOffered = false;
      const links = wires.map(({ latencyMs, capacity, piece }) =>
        link(
          { hub, log, identity: () => identity('pub', pid) },
          { log, wire: { latencyMs, capacity, cut: due => Math.min(due, piece) } },
        ),
      );
      const followers = links.map(fake => new Follower(fake));
      for (const { session } of links) session.start();

      const set = (k: number, value: number) => pub.set(KEYS[k]!, value === 0 ? '' : String(value).repeat(20));
      const offer = () => {
        if (!isOffered) hub.add(pub);
        isOffered = true;
      };
      const withdraw = () => {
        pub.close();
        isOffered = false;
      };
      for (const s of steps) {
        switch (s.do) {
          case 'set':
            set(s.key, s.value);
            break;
          case 'delete':
            pub.delete(KEYS[s.key]!);
            break;
          case 'replace':
            pub.replaceAll(new Map(s.keys.map(k => [KEYS[k]!, String(s.value)])));
            break;
          case 'burst':
            for (let i = 0; i < s.size; i++) pub.set(`burst-${i}`, 'x'.repeat(i));
            break;
          case 'pass':
            await clock.pass(s.ms);
            break;
          case 'cut':
            links[s.who]!.wires.at(-1)?.destroy();
            break;
          case 'leave':
            links[s.who]!.peers.at(-1)?.close();
            break;
          case 'stall':
            for (const fake of links[s.who]!.wires) fake.stalled = true;
            break;
          case 'resume':
            for (const fake of links[s.who]!.wires) fake.resume();
            break;
          case 'deliver':
            links[s.who]!.wires.at(-1)?.deliverNow();
            break;
          case 'withdraw':
            withdraw();
            break;
          case 'offer':
            offer();
            break;
          case 'signal':
            pub.signalRestarted();
            break;
          case 'crash': {
            // The publishing process is another one now, and starts with what the former one had last.
            const values = new Map(pub.entries());
            withdraw();
            pid++;
            for (const { wires: all } of links) for (const fake of all) fake.destroy();
            pub = publication();
            pub.replaceAll(values);
            break;
          }
          case 'resubscribe':
            followers[s.who]!.again(links[s.who]!);
            break;
        }
      }
      offer();
      for (const { wires: all } of links) for (const fake of all) fake.resume();
      // Bytes one by one take their milliseconds.
      for (let i = 0; i < 400 && !followers.every(f => isLevel(f, pub)); i++) await clock.pass(50);
      for (const { session } of links) session.close();
      await clock.pass(1100);

      assert.deepEqual(failures, []);
      for (const { subscription, map, restarts } of followers) {
        assert.deepEqual(sorted(subscription.entries), sorted(pub.entries()));
        assert.deepEqual(sorted(map), sorted(pub.entries()));
        if (pub.restartCount > 0) assert.equal(restarts.at(-1), pub.restartCount);
      }
      for (const { peers, wires: all } of links) {
        assert.ok(peers.every(peer => peer.isClosed) && all.every(fake => fake.isClosed));
      }
    },
  );
  await fc.assert(property, { numRuns: Number(process.env.NIBOX_RUNS ?? 120), endOnFailure: true });
});

function isLevel(follower: Follower, pub: Publication<string>): boolean {
  const { subscription, restarts } = follower;
  const isTold = pub.restartCount === 0 || restarts.at(-1) === pub.restartCount;
  return (
    isTold &&
    subscription.synchronized &&
    JSON.stringify(sorted(subscription.entries)) === JSON.stringify(sorted(pub.entries()))
  );
}

function sorted(entries: Iterable<readonly [string, string]>): (readonly [string, string])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
