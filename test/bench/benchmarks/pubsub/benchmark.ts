import type { BenchContext, Benchmark, Goal, Row } from '../../benchmark.ts';
import { interleave } from '../../interleave.ts';
import type { Call } from './calls.ts';
import { type Contest, startContest } from './contest.ts';
import { jsonLines } from './json-lines.ts';
import { MESSAGE_BYTES } from './message.ts';
import { nats } from './nats.ts';
import { rawSocket } from './raw-socket.ts';
import { transports } from './transports.ts';

const SUBSCRIBERS = [1, 10, 50];
/** Of publishing, a round; what counts is the best tenth of a second in it. */
const DELIVER_MS = 700;
const SINGLE_MESSAGES = 300;
const SYNC_ITEMS = 10_000;

/**
 * Each contestant has one publishing process and one process with all its subscribers, a connection for each; NATS and Redis have
 * their server besides. All get objects and hand on objects, as protobuf by the same code (nibox, NATS, Redis) or as JSON, and the
 * subscribers keep the last message of each of 512 items; the floor moves the bytes alone. Published are bursts of 256 messages in
 * one turn, at most 512 under way.
 */
export const pubsub: Benchmark = {
  name: 'pubsub',
  title: `messages of ${MESSAGE_BYTES} bytes from one process to the subscribers in another one`,
  run: compare,
};

interface Trial {
  what: string;
  unit: string;
  better: Row['better'];
  call: Call;
  goals: Goal[];
}

const trials: readonly Trial[] = [
  ...SUBSCRIBERS.map(
    (subscribers): Trial => ({
      what: `${subscribers} subscriber${subscribers === 1 ? '' : 's'}`,
      unit: 'deliveries/s',
      better: 'higher',
      call: { do: 'deliver', subscribers, ms: DELIVER_MS },
      goals: [
        { atLeast: 1.5, times: nats.name },
        { atLeast: 1, times: jsonLines.name },
      ],
    }),
  ),
  {
    what: 'one message, p50',
    unit: 'ms',
    better: 'lower',
    call: { do: 'latency', messages: SINGLE_MESSAGES },
    goals: [{ atMost: 1.5, times: rawSocket.name }],
  },
  {
    what: 'config to status, p50 of the round trip',
    unit: 'ms',
    better: 'lower',
    call: { do: 'roundTrip', messages: SINGLE_MESSAGES },
    goals: [{ atMost: 2, times: rawSocket.name, why: 'its round trip is two hops' }],
  },
  {
    what: `first sync of ${SYNC_ITEMS} keys`,
    unit: 'ms',
    better: 'lower',
    call: { do: 'sync', items: SYNC_ITEMS },
    goals: [{ atMost: 100 }],
  },
];

async function compare(context: BenchContext): Promise<Row[]> {
  const contests: Contest[] = [];
  try {
    for (const transport of transports) {
      context.say(`starting ${transport.name}`);
      contests.push(await startContest(transport, context.signal));
    }
    const rows: Row[] = [];
    for (const trial of trials) rows.push(...(await measure(trial, contests, context)));
    return rows;
  } finally {
    for (const contest of contests) await contest.end();
  }
}

/** A row with all, and one for each further goal, of the same figures. */
async function measure({ call, goals, ...head }: Trial, all: Contest[], context: BenchContext): Promise<Row[]> {
  const contests = all.filter(({ transport }) => call.do !== 'sync' || transport.sync);
  for (const contest of contests) await contest.call(call); // the first time compiles
  const contestants = await interleave(
    context,
    contests.map(contest => ({ ...contest.transport, measure: () => contest.call(call) })),
  );
  return goals.map((goal, index) => {
    if (index === 0) return { ...head, contestants, goal };
    const beside = contestants.filter(({ name, role }) => role === 'nibox' || name === goal.times);
    return { ...head, what: `${head.what}, beside ${goal.times}`, contestants: beside, goal };
  });
}
