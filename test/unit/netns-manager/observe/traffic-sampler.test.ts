import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrafficSampler } from '../../../../netns-manager/observe/traffic-sampler.ts';

/** A kernel whose counters and clock the test moves. */
function kernel(readMs = 1) {
  const state = { packets: 0, time: 1_000, reads: 0, fails: false };
  const sampler = new TrafficSampler({
    read: async () => {
      state.time += readMs;
      state.reads += 1;
      if (state.fails) throw new Error('nft failed');
      return state.packets;
    },
    traffic: () => String(state.packets),
    now: () => state.time,
  });
  return { state, sampler };
}

test('while no packet passes nothing is read, and the value is told with its age', async () => {
  const { state, sampler } = kernel();
  assert.deepEqual(await sampler.sample(), { value: 0, age: 1 });
  state.time += 5_000;
  assert.deepEqual(await sampler.sample(), { value: 0, age: 5_001 });
  assert.equal(state.reads, 1);
});

test('after packets it is read anew', async () => {
  const { state, sampler } = kernel();
  await sampler.sample();
  state.packets = 7;
  state.time += 2_000;
  assert.equal((await sampler.sample()).value, 7);
  assert.equal(state.reads, 2);
});

test('reading takes a twentieth of the time at most', async () => {
  const { state, sampler } = kernel(1_000);
  const start = state.time;
  while (state.time < start + 100_000) {
    state.packets += 1;
    state.time += 500;
    await sampler.sample();
  }
  assert.ok(state.reads >= 4 && state.reads <= 6, `${state.reads} reads of 1 s in 100 s`);
});

test('what could not be read is read the next time, though no packet came', async () => {
  const { state, sampler } = kernel();
  state.fails = true;
  await assert.rejects(sampler.sample(), /nft failed/);
  state.fails = false;
  assert.equal((await sampler.sample()).value, 0);
});

test('a change by somebody else can be told', async () => {
  const { state, sampler } = kernel();
  await sampler.sample();
  sampler.invalidate();
  await sampler.sample();
  assert.equal(state.reads, 2);
});

test('two who ask at a time have one reading', async () => {
  const { state, sampler } = kernel();
  const [one, other] = await Promise.all([sampler.sample(), sampler.sample()]);
  assert.equal(one, other);
  assert.equal(state.reads, 1);
});

test('what was being read when something else changed is not kept', async () => {
  const { state, sampler } = kernel();
  const stale = sampler.sample();
  sampler.invalidate();
  await stale;
  await sampler.sample();
  assert.equal(state.reads, 2);
});

test('what tells of traffic may take its time', async () => {
  const counted = { reads: 0, denied: 3, time: 0 };
  const sampler = new TrafficSampler({
    read: async () => counted.reads++,
    traffic: async () => String(counted.denied),
    now: () => counted.time++,
  });
  await sampler.sample();
  counted.time += 1_000;
  await sampler.sample();
  assert.equal(counted.reads, 1);
  counted.denied += 1;
  await sampler.sample();
  assert.equal(counted.reads, 2);
});
