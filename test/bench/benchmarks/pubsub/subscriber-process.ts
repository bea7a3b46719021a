/** One process with all the subscribers, a connection each. Started by the publishing process, ends with it. */
import type { ItemState } from '../../../../shared/proto/messages.ts';
import { nowNs, type Order, type Report, type Start } from './calls.ts';
import { messageOf, sequenceOf } from './message.ts';
import { KEYS, type Subscriber } from './transport.ts';
import { transportOf } from './transports.ts';

/** A subscriber, with what it has got: messages, and the sum of their numbers, which tells whether they were the right ones. */
interface Listener {
  subscriber: Subscriber;
  heard: { count: number; sum: number; isNumbered: boolean };
}

const { transport: name, place } = JSON.parse(process.argv[2]!) as Start;
const transport = transportOf(name);
let listeners: Listener[] = [];

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => void obey(order).then(report, failed));
process.on('uncaughtException', failed);
report({ is: 'ready' });

async function obey(order: Order): Promise<Report> {
  switch (order.do) {
    case 'open': {
      const whole = countBursts(order.subscribers);
      listeners = await Promise.all(Array.from({ length: order.subscribers }, () => open(order, whole)));
      return { is: 'opened' };
    }
    case 'close':
      for (const { heard } of listeners) check(heard, order.messages);
      await Promise.all(listeners.map(({ subscriber }) => subscriber.close()));
      listeners = [];
      return { is: 'closed' };
    case 'sync': {
      const start = performance.now();
      const items = await transport.sync!(place, order.items);
      const ms = performance.now() - start;
      if (items !== order.items) throw new Error(`${items} items came instead of ${order.items}`);
      return { is: 'synchronized', ms };
    }
  }
}

async function open(
  { burst, answer }: Extract<Order, { do: 'open' }>,
  whole: (burst: number) => void,
): Promise<Listener> {
  const heard = { count: 0, sum: 0, isNumbered: true };
  const mirror = new Map<string, ItemState>();
  const subscriber = await transport.subscriber(place, message => {
    heard.count++;
    if (message) {
      heard.sum += sequenceOf(message);
      if (transport.role === 'peer') mirror.set(message.id, message); // nibox does so by itself
    } else heard.isNumbered = false;
    if (answer) subscriber.answer(message ?? messageOf(0, KEYS));
    else if (heard.count % burst === 0) whole(heard.count / burst);
  });
  return { subscriber, heard };
}

/** Reports a burst when the last of the subscribers has it. */
function countBursts(subscribers: number): (burst: number) => void {
  const missing: number[] = [];
  return burst => {
    const left = (missing[burst] ?? subscribers) - 1;
    missing[burst] = left;
    if (left === 0) report({ is: 'burst', atNs: nowNs() });
  };
}

function check({ count, sum, isNumbered }: Listener['heard'], messages: number): void {
  const expected = (messages * (messages - 1)) / 2;
  if (count !== messages) throw new Error(`${count} messages came instead of ${messages}`);
  if (isNumbered && sum !== expected) throw new Error('other messages came than were published');
}

function report(what: Report): void {
  process.send!(what);
}

function failed(error: Error): void {
  report({ is: 'failed', reason: error.stack ?? error.message });
}
