import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCounters } from '../../../netns-manager/acl/observe.ts';
import { type Ace, AceAction, AceDirection } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { Firewall, inputOf } from './firewall.ts';
import { createWorld, INNER, type World } from './world.ts';

/** So slow that no token comes back during a test. */
const BURST = 10;
const slow = (id: number, given: Partial<Ace> = {}) =>
  ace(id, { action: AceAction.LIMIT, limitRate: 1, limitUnit: 'hour', limitBurst: BURST, ...given });
const OUT = '203.0.113.10';

let world: World;
let firewall: Firewall;
before(async () => {
  world = await createWorld(2);
  firewall = new Firewall(world);
});
after(() => world?.[Symbol.asyncDispose]());

const received = async (place: string) => (await world.agent(place).ask<string[]>({ op: 'received' })).length;

async function load(...acls: Ace[][]): Promise<void> {
  // The buckets of a chain that stays are kept, so each test begins without.
  await firewall.load(inputOf([[], []]));
  await firewall.load(inputOf(acls));
  await firewall.forget();
  for (const place of ['device', 'app1', 'app2']) await received(place);
}

test('a LIMIT ACE lets the burst through and drops the rest, also within one flow', async () => {
  await load([slow(1, { ip: OUT, protocol: 'udp' })], []);
  await world.agent('app1').ask({ op: 'udp', to: OUT, port: 9000, localPort: 7000, count: 40 });
  await sleep(200);
  assert.equal(await received('device'), BURST);
  const { aces, limited, denied } = await readCounters(world.nft);
  // The device answers each packet: those answers have a bucket of their own.
  assert.equal(aces.find(counter => counter.ace === 1)?.packets, 2 * BURST);
  assert.deepEqual([limited.packets, denied.packets], [40 - BURST, 0]);
});

test('several flows of one ACE share its buckets', async () => {
  await load([slow(1)], []);
  for (let localPort = 7001; localPort <= 7020; localPort++) {
    await world.agent('app1').ask({ op: 'udp', to: OUT, port: 9000, localPort, count: 1 });
  }
  await sleep(200);
  assert.equal(await received('device'), BURST);
});

test('another ACE is not slowed down by it', async () => {
  await load([slow(1, { protocol: 'udp', fport: '9' }), ace(2)], []);
  await world.agent('app1').ask({ op: 'udp', to: OUT, port: 9000, localPort: 7100, count: 30 });
  await sleep(200);
  assert.equal(await received('device'), 30);
});

test('tokens come back at the rate', async () => {
  await load([slow(1, { limitRate: 20, limitUnit: 'second', limitBurst: 5 })], []);
  const send = (count: number) => world.agent('app1').ask({ op: 'udp', to: OUT, port: 9000, localPort: 7200, count });
  await send(200);
  await sleep(100);
  const first = await received('device');
  assert.ok(first >= 5 && first < 100, `${first} of the first 200`);
  await sleep(1000);
  await send(3);
  await sleep(200);
  assert.equal(await received('device'), 3);
});

test('between apps a limit holds on either side', async () => {
  for (const acls of [
    [[slow(1)], [ace(1)]],
    [[ace(1)], [slow(1, { direction: AceDirection.INGRESS }), ace(2)]],
  ]) {
    await load(...acls);
    await world.agent('app1').ask({ op: 'udp', to: '10.9.0.3', port: 9000, localPort: 7300, count: 40 });
    await sleep(200);
    assert.equal(await received('app2'), BURST);
  }
});

test('an earlier LIMIT holds for what comes through a port map', async () => {
  const portmap = ace(2, { action: AceAction.PORTMAP, protocol: 'udp', lport: '8080', appPort: 9000 });
  await load([slow(1, { protocol: 'udp', lport: '9000' }), portmap], []);
  await world.agent('device').ask({ op: 'udp', to: INNER, port: 8080, localPort: 7400, count: 40 });
  await sleep(200);
  assert.equal(await received('app1'), BURST);
});
