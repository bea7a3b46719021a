import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ace, AceAction } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { address6Of, addressOf, createSwitchWorld, LAN, LAN6, type SwitchWorld } from './world.ts';

/** So slow that no token comes back during a test. */
const BURST = 10;
const slow = (id: number, given: Partial<Ace> = {}) =>
  ace(id, { action: AceAction.LIMIT, limitRate: 1, limitUnit: 'hour', limitBurst: BURST, ...given });

let world: SwitchWorld;
before(async () => {
  world = await createSwitchWorld(2, { agents: true });
});
after(() => world?.[Symbol.asyncDispose]());

async function load(...acls: Ace[][]): Promise<void> {
  // The buckets of a chain that stays are kept, so each test begins without.
  await world.load([[], []]);
  await world.load(acls);
  await world.forget();
  for (const place of ['lan', 'app1', 'app2']) await received(place);
}

const send = (from: string, to: string, localPort: number, count: number) =>
  world.agent(from).ask({ op: 'udp', to, port: 9000, localPort, count });

async function received(place: string): Promise<number> {
  await sleep(200);
  return (await world.agent(place).ask<string[]>({ op: 'received' })).length;
}

test('a LIMIT ACE has a bucket for what the app sends and one for what it gets', async () => {
  for (const [host, app] of [
    [LAN, addressOf(1)],
    [LAN6, address6Of(1)],
  ] as const) {
    await load([slow(1, { ip: host, protocol: 'udp' })], []);
    await send('app1', host, 7000, 40);
    assert.equal(await received('lan'), BURST);
    // The answers have used up the other bucket.
    await send('lan', app, 7001, 5);
    assert.equal(await received('app1'), 0);
    const { aces, limited, denied } = await world.counters();
    assert.equal(aces.find(counter => counter.vif === 1 && counter.ace === 1)?.packets, 2 * BURST);
    assert.deepEqual([limited.packets, denied.packets], [40 - BURST + 5, 0]);
  }
});

test('another ACE is not slowed down by it', async () => {
  await load([slow(1, { protocol: 'udp', fport: '9' }), ace(2)], []);
  await send('app1', LAN, 7100, 30);
  assert.equal(await received('lan'), 30);
});

test('tokens come back at the rate', async () => {
  await load([slow(1, { limitRate: 20, limitUnit: 'second', limitBurst: 5 })], []);
  await send('app1', LAN, 7200, 200);
  const first = await received('lan');
  assert.ok(first >= 5 && first < 100, `${first} of the first 200`);
  await sleep(1000);
  await send('app1', LAN, 7200, 3);
  assert.equal(await received('lan'), 3);
});

test('between apps the limits of both hold', async () => {
  for (const acls of [
    [[slow(1)], [ace(1)]],
    [[ace(1)], [slow(1)]],
    [[slow(1, { limitBurst: 2 * BURST })], [slow(1)]],
  ]) {
    await load(...acls);
    await send('app1', addressOf(2), 7300, 40);
    // On a busy machine the last ones are a moment on their way.
    let count = await received('app2');
    for (let tries = 0; tries < 10 && count < BURST; tries += 1) count += await received('app2');
    assert.equal(count, BURST);
  }
});
