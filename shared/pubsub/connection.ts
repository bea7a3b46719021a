import type { Log } from '../log/log.ts';
import { type Envelope, FrameType, type Hello } from '../proto/messages.ts';
import { asPubsubError, PubsubError, type PubsubErrorCode } from './errors.ts';
import { Feed, type Outlet } from './feed.ts';
import { FrameDecoder, type FrameSink } from './frame-decoder.ts';
import { FrameReader } from './frame-reader.ts';
import { encodeFrame } from './frame-writer.ts';
import type { Hub } from './hub.ts';
import { helloOf, type Identity, PROTOCOL_MAJOR, PROTOCOL_MINOR, plainHello } from './identity.ts';
import type { Limits } from './limits.ts';
import { Outbox } from './outbox.ts';
import type { SubscribeLink, Subscriptions } from './subscriptions.ts';
import { isAgentName, parseTopic } from './topic.ts';
import type { Wire, WireEvents } from './wire.ts';

/** The other side has so long for its hello. */
const HELLO_TIMEOUT_MS = 10_000;
/** Ours has so long to get out, with the error in it, before the wire is cut. */
const LINGER_MS = 1000;
/** Of answers that wait for a full wire. Far above what an honest peer causes, who reads. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** What `count` says in an UNSUBSCRIBE frame. */
const REQUEST = 0;
/** From the publisher: as you asked, nothing more follows. */
const CONFIRMED = 1;
/** From the publisher: the topic is not published any more; the subscription waits for it. */
const WITHDRAWN = 2;

/** What a session or a peer hears of its connection. */
export interface ConnectionOwner {
  readonly hub: Hub | null;
  readonly limits: Limits;
  readonly subscriptions: Subscriptions;
  readonly log: Log;
  /** Something came, whatever it is. */
  heard(): void;
  /** May throw to refuse the other side. */
  expect(hello: Hello): void;
  /** The other side is known and accepted. */
  greeted(hello: Hello): void;
  pong(count: number): void;
  /** Told once. `error`: what this side or the other one found wrong. */
  ended(reason: string, error: PubsubError | null): void;
}

/** The protocol on one wire: both sides publish and subscribe. Whatever comes in, it ends this connection at most. */
export class Connection implements FrameSink, WireEvents, Outlet, SubscribeLink {
  readonly #wire: Wire;
  readonly #owner: ConnectionOwner;
  readonly #reader: FrameReader;
  readonly #decoder = new FrameDecoder();
  readonly #feeds = new Map<string, Feed>();
  /** Feeds that have something to send. */
  readonly #waking = new Set<Feed>();
  readonly #outbox: Outbox;
  /** The ping to be answered. */
  #pongDue: number | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #hello: Hello | null = null;
  #state: 'open' | 'closing' | 'ended' = 'open';
  #error: PubsubError | null = null;

  constructor(wire: Wire, identity: Identity, owner: ConnectionOwner) {
    this.#wire = wire;
    this.#owner = owner;
    this.#reader = new FrameReader(owner.limits.frameBytes);
    this.#outbox = new Outbox(wire, () => this.#gather());
    this.#deadline = setTimeout(() => {
      this.#fail(new PubsubError('ERR_HELLO_TIMEOUT', `no hello came within ${HELLO_TIMEOUT_MS} ms`));
    }, HELLO_TIMEOUT_MS);
    wire.attach(this);
    this.#control({ type: FrameType.HELLO, hello: helloOf(identity) });
  }

  get hello(): Hello | null {
    return this.#hello;
  }

  ping(count: number): void {
    this.#control({ type: FrameType.PING, count });
  }

  /** Ends it after what was published so far, as far as the wire has room for it. */
  close(): void {
    if (this.#state !== 'open') return;
    for (const feed of this.#feeds.values()) feed.catchUp();
    this.#outbox.flush();
    this.#leave();
  }

  destroy(): void {
    if (this.#state === 'ended') return;
    this.#leave();
    this.#wire.destroy();
  }

  // ---- from the wire

  onBytes(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#owner.heard();
    const chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      this.#reader.push(chunk, (buffer, start, end) => {
        this.#decoder.decode(buffer, start, end, this);
        return this.#state === 'open';
      });
    } catch (error) {
      this.#fail(asPubsubError(error, 'ERR_MALFORMED', 'a frame could not be handled'));
    }
  }

  onDrain(): void {
    if (this.#state === 'open') this.#outbox.drained();
  }

  onClose(error?: Error): void {
    if (this.#state === 'ended') return;
    this.#detach();
    if (this.#state === 'open') this.#outbox.end();
    this.#state = 'ended';
    this.#clearDeadline();
    this.#owner.ended(this.#error?.message ?? error?.message ?? 'the connection was closed', this.#error);
  }

  // ---- frames

  update(topic: string, key: string, buffer: Buffer, start: number, end: number): void {
    this.#mustHaveHello();
    this.#owner.subscriptions.find(topic)?.update(key, buffer, start, end);
  }

  delete(topic: string, key: string): void {
    this.#mustHaveHello();
    this.#owner.subscriptions.find(topic)?.delete(key);
  }

  control(envelope: Envelope): void {
    const { type, topic, count } = envelope;
    if (type !== FrameType.HELLO && type !== FrameType.ERROR) this.#mustHaveHello();
    switch (type) {
      case FrameType.HELLO:
        this.#greet(envelope.hello);
        break;
      case FrameType.ERROR:
        this.#hearError(envelope.error?.code ?? '', envelope.error?.message ?? '');
        break;
      case FrameType.SUBSCRIBE:
        this.#openFeed(topic);
        break;
      case FrameType.UNSUBSCRIBE:
        this.#unsubscribed(topic, count);
        break;
      case FrameType.COMPLETE:
        this.#owner.subscriptions.find(topic)?.complete();
        break;
      case FrameType.RESTARTED:
        this.#owner.subscriptions.find(topic)?.restarted(count);
        break;
      case FrameType.PING:
        this.#answerPing(count);
        break;
      case FrameType.PONG:
        this.#owner.pong(count);
        break;
      default: // a newer minor version may have more types; it does without answers from us
        this.#owner.log.debug({ type }, 'a frame of unknown type is ignored');
    }
  }

  #greet(said: Hello | null): void {
    if (this.#hello || !said) throw new PubsubError('ERR_UNEXPECTED_FRAME', 'a hello is empty or came twice');
    const hello = plainHello(said);
    if (hello.protocolMajor !== PROTOCOL_MAJOR) {
      throw new PubsubError(
        'ERR_PROTOCOL_VERSION',
        `this side speaks pubsub version ${PROTOCOL_MAJOR}.${PROTOCOL_MINOR}, ` +
          `the other one ${hello.protocolMajor}.${hello.protocolMinor}: upgrade the older one`,
      );
    }
    if (!isAgentName(hello.agent)) throw new PubsubError('ERR_MALFORMED', 'a hello does not name its agent');
    try {
      this.#owner.expect(hello);
    } catch (error) {
      const attempt = `${hello.agent} (pid ${hello.pid}) is not accepted here`;
      throw asPubsubError(error, 'ERR_REFUSED', attempt);
    }
    if (this.#state !== 'open') return; // by the owner, having seen who it is
    this.#hello = hello;
    this.#clearDeadline();
    this.#owner.subscriptions.attach(this, hello);
    this.#owner.greeted(hello);
  }

  #mustHaveHello(): void {
    if (!this.#hello) throw new PubsubError('ERR_HELLO_EXPECTED', 'the first frame was no hello');
  }

  #hearError(code: string, message: string): void {
    const text = `the other side says: ${message.slice(0, 500)}`;
    this.#error = new PubsubError((code.slice(0, 50) || 'ERR_MALFORMED') as PubsubErrorCode, text);
    this.#leave();
  }

  // ---- publishing

  #openFeed(topic: string): void {
    parseTopic(topic);
    if (this.#feeds.has(topic)) throw new PubsubError('ERR_UNEXPECTED_FRAME', `${topic} was subscribed to twice`);
    const most = this.#owner.limits.subscriptions;
    if (this.#feeds.size >= most) {
      throw new PubsubError('ERR_TOO_MANY_SUBSCRIPTIONS', `more than ${most} subscriptions`);
    }
    const feed = new Feed(topic, this);
    this.#feeds.set(topic, feed);
    this.#owner.hub?.open(feed);
  }

  #closeFeed(feed: Feed): void {
    this.#feeds.delete(feed.topic);
    this.#waking.delete(feed);
    this.#owner.hub?.close(feed);
  }

  #unsubscribed(topic: string, count: number): void {
    if (count === CONFIRMED) this.#owner.subscriptions.confirmed(topic);
    else if (count === WITHDRAWN) this.#owner.subscriptions.withdrawn(topic);
    else this.#endFeed(topic);
  }

  #endFeed(topic: string): void {
    const feed = this.#feeds.get(topic);
    if (!feed) throw new PubsubError('ERR_UNEXPECTED_FRAME', `${JSON.stringify(topic)} was not subscribed to`);
    this.#closeFeed(feed);
    this.#control({ type: FrameType.UNSUBSCRIBE, topic, count: CONFIRMED });
  }

  withdrawn(topic: string): void {
    this.#control({ type: FrameType.UNSUBSCRIBE, topic, count: WITHDRAWN });
  }

  wake(feed: Feed): void {
    this.#waking.add(feed);
    this.#outbox.schedule();
  }

  // ---- subscribing

  subscribe(topic: string): void {
    this.#control({ type: FrameType.SUBSCRIBE, topic });
  }

  unsubscribe(topic: string): void {
    this.#control({ type: FrameType.UNSUBSCRIBE, topic, count: REQUEST });
  }

  // ---- sending

  get hasRoom(): boolean {
    return !this.#outbox.isFull && this.#state === 'open';
  }

  enqueue(bytes: Buffer): void {
    if (this.#state === 'open') this.#outbox.add(bytes);
  }

  /** Everything that became due in this turn of the event loop. */
  #gather(): void {
    if (this.#pongDue !== null) {
      const count = this.#pongDue;
      this.#pongDue = null;
      this.#control({ type: FrameType.PONG, count });
    }
    for (const feed of this.#waking) {
      if (!this.hasRoom) break;
      this.#waking.delete(feed);
      if (!feed.pump()) this.#waking.add(feed); // behind the others: a busy topic does not starve them
    }
  }

  #control(fields: Partial<Envelope>): void {
    if (this.#state !== 'open') return;
    this.enqueue(encodeFrame(fields));
    if (this.#outbox.size > MAX_WAITING_BYTES) {
      this.#error = new PubsubError('ERR_NOT_READING', 'the other side asks without reading the answers');
      this.destroy();
    }
  }

  /** While the wire is full only the last ping is remembered. */
  #answerPing(count: number): void {
    this.#pongDue = count;
    this.#outbox.schedule();
  }

  // ---- ending

  #fail(error: PubsubError): void {
    if (this.#state !== 'open') return;
    this.#error = error;
    this.#control({ type: FrameType.ERROR, error: { code: error.code, message: error.message } });
    this.#leave();
  }

  /** Nothing is read or published any more; what lies in the outbox gets its chance. */
  #leave(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#detach();
    this.#outbox.end();
    this.#clearDeadline();
    this.#deadline = setTimeout(() => this.#wire.destroy(), LINGER_MS).unref();
    this.#wire.close();
  }

  #detach(): void {
    for (const feed of [...this.#feeds.values()]) this.#closeFeed(feed);
    if (this.#hello) this.#owner.subscriptions.detach();
  }

  #clearDeadline(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
    this.#deadline = null;
  }
}
