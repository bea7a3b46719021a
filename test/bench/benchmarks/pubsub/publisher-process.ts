/** Publishes as the bench asks, and measures. Started by the bench with a `Start` as its argument. */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from '../../statistics.ts';
import { type Answer, type Call, nowNs, type Order, type Report, type Start } from './calls.ts';
import { messageOf } from './message.ts';
import { KEYS, type Publisher } from './transport.ts';
import { transportOf } from './transports.ts';

/** Messages published in one turn of the event loop, as a daemon's pass does. */
const BURST = 256;
/** Under way at most: an item must not come again before its message arrived, or it would be told once instead of twice. */
const WINDOW_BURSTS = KEYS / BURST;
const POLL_MS = 2;
const SLICE_MS = 100;
/** Between single messages: both processes sleep, as daemons do. */
const PAUSE_MS = 1;

const start = JSON.parse(process.argv[2]!) as Start;
const others = fork(fileURLToPath(new URL('subscriber-process.ts', import.meta.url)), [process.argv[2]!]);
let heard: (report: Report) => void = () => {};
let answered: () => void = () => {};

process.on('disconnect', () => process.exit());
process.on('uncaughtException', failed);
others.on('message', (report: Report) => {
  if (report.is === 'failed') failed(new Error(`the subscribers: ${report.reason}`));
  else heard(report);
});
const ready = next('ready');
const publisher = await transportOf(start.transport).publisher(start.place, () => answered());
await ready;
process.on('message', (call: Call) => {
  measure(call, publisher).then(value => answer({ is: 'result', value }), failed);
});
answer({ is: 'ready' });

function measure(call: Call, to: Publisher): Promise<number> {
  switch (call.do) {
    case 'deliver':
      return deliver(call.subscribers, call.ms, to);
    case 'latency':
      return latency(call.messages, to);
    case 'roundTrip':
      return roundTrip(call.messages, to);
    case 'sync':
      return sync(call.items, to);
  }
}

/** Of the best slice: whoever else uses the machine takes something from most of them. Counted is what all subscribers have. */
async function deliver(subscribers: number, ms: number, to: Publisher): Promise<number> {
  await open({ do: 'open', subscribers, burst: BURST, answer: false }, to);
  let arrived = 0;
  let best = 0;
  let slice = { since: 0, arrived: 0 };
  let wake = () => {};
  heard = () => {
    arrived++;
    const now = performance.now();
    const duration = now - slice.since;
    if (slice.since > 0 && duration >= SLICE_MS) best = Math.max(best, (arrived - slice.arrived) / duration);
    if (slice.since === 0 || duration >= SLICE_MS) slice = { since: now, arrived };
    wake();
  };
  const moreArrived = () => new Promise<void>(resolve => (wake = resolve));
  const end = performance.now() + ms;
  let bursts = 0;
  while (performance.now() < end || best === 0) {
    for (let i = bursts * BURST; i < (bursts + 1) * BURST; i++) to.publish(messageOf(i, KEYS));
    bursts++;
    await to.flush();
    while (bursts - arrived >= WINDOW_BURSTS) await moreArrived();
  }
  while (arrived < bursts) await moreArrived();
  await close(bursts * BURST, to);
  return best * BURST * subscribers * 1000;
}

/** Median, from before a message is published until the handler has it. */
async function latency(messages: number, to: Publisher): Promise<number> {
  await open({ do: 'open', subscribers: 1, burst: 1, answer: false }, to);
  const times: number[] = [];
  for (let i = 0; i < messages; i++) {
    await sleep(PAUSE_MS);
    const arrival = next('burst');
    const sentNs = nowNs();
    to.publish(messageOf(i, KEYS));
    await to.flush();
    times.push(((await arrival).atNs - sentNs) / 1e6);
  }
  await close(messages, to);
  return median(times);
}

/** Median, from before a message is published until the answer to it is here. */
async function roundTrip(messages: number, to: Publisher): Promise<number> {
  await open({ do: 'open', subscribers: 1, burst: 1, answer: true }, to);
  const times: number[] = [];
  for (let i = 0; i < messages; i++) {
    await sleep(PAUSE_MS);
    const answer = new Promise<void>(resolve => (answered = resolve));
    const sent = performance.now();
    to.publish(messageOf(i, KEYS));
    await to.flush();
    await answer;
    times.push(performance.now() - sent);
  }
  await close(messages, to);
  return median(times);
}

async function sync(items: number, to: Publisher): Promise<number> {
  await to.keep!(Array.from({ length: items }, (_, i) => messageOf(i, items)));
  const report = next('synchronized');
  others.send({ do: 'sync', items } satisfies Order);
  const { ms } = await report;
  await to.keep!([]);
  await isAt(0, to);
  return ms;
}

async function open(order: Extract<Order, { do: 'open' }>, to: Publisher): Promise<void> {
  await to.keep?.([]);
  const opened = next('opened');
  others.send(order);
  await opened;
  await isAt(order.subscribers, to);
}

async function close(messages: number, to: Publisher): Promise<void> {
  const closed = next('closed');
  others.send({ do: 'close', messages } satisfies Order);
  await closed;
  await isAt(0, to);
}

/** Waits until the publisher knows of so many subscribers. */
async function isAt(subscribers: number, to: Publisher): Promise<void> {
  while (to.subscribers && to.subscribers() !== subscribers) await sleep(POLL_MS);
}

function next<Is extends Report['is']>(is: Is): Promise<Extract<Report, { is: Is }>> {
  return new Promise(resolve => {
    heard = report => {
      if (report.is === is) resolve(report as Extract<Report, { is: Is }>);
    };
  });
}

function answer(what: Answer): void {
  process.send!(what);
}

function failed(error: Error): void {
  answer({ is: 'failed', reason: error.stack ?? error.message });
}
