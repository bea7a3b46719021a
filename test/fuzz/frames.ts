import { FrameType } from '../../shared/proto/messages.ts';
import { encodeFrame, TopicFrames } from '../../shared/pubsub/frame-writer.ts';
import { helloOf } from '../../shared/pubsub/identity.ts';
import type { Random } from './random.ts';

/** What the hub offers to the fuzzer, and what it asks the fuzzer for. */
export const OFFERED = 'hub/all/DnsRequest';
export const ASKED = 'fuzz/all/ItemState';

export const KINDS = ['valid', 'out of order', 'mutated', 'random body', 'random bytes', 'cut', 'huge'] as const;
export type Kind = (typeof KINDS)[number];

const IDENTITY = { agent: 'fuzz', pid: 1, startTime: 1, netnsInode: 1, softwareVersion: '0' };
export const HELLO = encodeFrame({ type: FrameType.HELLO, hello: helloOf(IDENTITY) });
const asked = new TopicFrames(ASKED);

/** Frames that a polite side may send after its hello, in any order. */
const POLITE = [
  encodeFrame({ type: FrameType.PING, count: 1 }),
  asked.update('a-key', Buffer.from([0x0a, 3, 0x61, 0x62, 0x63])),
  asked.update('another', Buffer.alloc(0)),
  asked.delete('a-key'),
  asked.complete(),
  asked.restarted(7),
];
const EARLY = [
  HELLO,
  encodeFrame({ type: FrameType.SUBSCRIBE, topic: OFFERED }),
  encodeFrame({ type: FrameType.UNSUBSCRIBE, topic: OFFERED }),
  encodeFrame({ type: FrameType.UNSUBSCRIBE, topic: ASKED, count: 1 }),
  encodeFrame({ type: FrameType.UNSUBSCRIBE, topic: ASKED, count: 2 }),
  encodeFrame({ type: FrameType.SUBSCRIBE, topic: '../../etc/passwd' }),
  encodeFrame({ type: FrameType.DELETE, topic: ASKED, key: '..' }),
  encodeFrame({ type: FrameType.PONG, count: 99 }),
  encodeFrame({ type: FrameType.ERROR, error: { code: 'ERR_X', message: 'x'.repeat(2000) } }),
  encodeFrame({ type: 99 as never, topic: ASKED }),
  new TopicFrames('nobody/knows/This').update('key', Buffer.from('x')),
];
const ALL = [...POLITE, ...EARLY];

/** One frame of a kind. Cut and huge ones promise more than comes. */
export function frameOf(kind: Kind, random: Random): Buffer {
  switch (kind) {
    case 'valid':
      return random.pick(POLITE);
    case 'out of order':
      return random.pick(EARLY);
    case 'mutated':
      return mutated(random.pick(ALL), random);
    case 'random body': {
      const body = random.bytes(1 + random.below(120));
      return Buffer.concat([Buffer.from([body.length]), body]);
    }
    case 'random bytes':
      return random.bytes(1 + random.below(200));
    case 'cut': {
      const frame = random.pick(ALL);
      return frame.subarray(0, 1 + random.below(frame.length - 1));
    }
    case 'huge':
      return Buffer.concat([random.pick(HUGE), random.bytes(random.below(300))]);
  }
}

/** Lengths around the limit of 16 MiB and of what a varint may be. */
const HUGE = [
  [0x80, 0x80, 0x80, 0x08],
  [0x81, 0x80, 0x80, 0x08],
  [0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x00],
].map(bytes => Buffer.from(bytes));

/** One to four bytes changed, taken out, put in or doubled, anywhere, in the length too. */
function mutated(frame: Buffer, random: Random): Buffer {
  let bytes = [...frame];
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const at = random.below(bytes.length + 1);
    const edit = random.below(5);
    if (edit === 0 && at < bytes.length) bytes[at] = bytes[at]! ^ (1 << random.below(8));
    else if (edit === 1 && at < bytes.length) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    else if (edit === 2 && bytes.length > 1) bytes.splice(at, 1);
    else if (edit === 3) bytes.splice(at, 0, random.below(256));
    else bytes = [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - random.below(8)))];
  }
  return Buffer.from(bytes);
}
