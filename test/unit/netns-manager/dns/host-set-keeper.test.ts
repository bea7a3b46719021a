import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostSetElement, HostSetKeeper } from '../../../../netns-manager/dns/host-set-keeper.ts';

const HOLD = 1_000;
const SETS = [
  { domain: 'github.com', v4: 'h4', v6: 'h6' },
  { domain: 'api.github.com', v4: 'a4', v6: 'a6' },
];

function setUp(elements: HostSetElement[]) {
  const state = { now: 0, elements, live: new Set<string>(), onDrain: () => {} };
  const keeper = new HostSetKeeper({
    list: async () => [...state.elements],
    remove: async gone => {
      state.elements = state.elements.filter(
        ({ set, address }) => !gone.some(g => g.set === set && g.address === address),
      );
    },
    add: async added => void state.elements.push(...added),
    liveDestinations: async () => state.live,
    drainLog: async () => state.onDrain(),
    now: () => state.now,
    holdMs: HOLD,
  });
  keeper.setHostSets(SETS);
  return { state, keeper };
}

const one = { set: 'h4', address: '1.2.3.4' };
const six = { set: 'h6', address: '2001:db8::7' };

test('what is found at the start has a full term, then it goes', async () => {
  const { state, keeper } = setUp([one, six]);
  assert.deepEqual(await keeper.sweep(), []);
  state.now = HOLD - 1;
  assert.deepEqual(await keeper.sweep(), []);
  state.now = HOLD;
  assert.deepEqual(await keeper.sweep(), [one, six]);
  assert.deepEqual(state.elements, []);
});

test('an address that DNS names again stays, in all sets that its name belongs to', async () => {
  const api = { set: 'a4', address: '1.2.3.4' };
  const { state, keeper } = setUp([one, api, six]);
  await keeper.sweep();
  state.now = 500;
  keeper.named('x.api.github.com', '1.2.3.4');
  keeper.named('nogithub.com', '2001:db8::7');
  state.now = HOLD;
  assert.deepEqual(await keeper.sweep(), [six]);
  state.now = 600 + HOLD;
  assert.deepEqual(await keeper.sweep(), [one, api]);
});

test('an address that apps have flows with stays', async () => {
  const { state, keeper } = setUp([one]);
  await keeper.sweep();
  state.live.add('1.2.3.4');
  state.now = 5 * HOLD;
  assert.deepEqual(await keeper.sweep(), []);
  state.live.clear();
  state.now += HOLD - 1;
  assert.deepEqual(await keeper.sweep(), [], 'its term starts anew when its last flow was seen');
  state.now += 1;
  assert.deepEqual(await keeper.sweep(), [one]);
});

test('an address that is named while it is being taken out is put back', async () => {
  const { state, keeper } = setUp([one]);
  await keeper.sweep();
  state.now = HOLD;
  let drains = 0;
  state.onDrain = () => {
    if (++drains === 2) keeper.named('github.com', '1.2.3.4');
  };
  assert.deepEqual(await keeper.sweep(), []);
  assert.deepEqual(state.elements, [one]);
});
