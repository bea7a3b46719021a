import type { Log } from '../log/log.ts';
import type { Codec, Hello } from '../proto/messages.ts';
import { PubsubError } from './errors.ts';
import { MirrorBudget } from './limits.ts';
import { type Handlers, Subscription, type SubscriptionOwner } from './subscription.ts';
import { parseTopic } from './topic.ts';

/** The connection's part in subscribing. */
export interface SubscribeLink {
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}

/** All subscriptions of one session or peer; it outlives the session's connections. */
export class Subscriptions implements SubscriptionOwner {
  readonly log: Log;
  readonly budget: MirrorBudget;
  readonly #byTopic = new Map<string, Subscription<unknown>>();
  /** Unsubscribed, but not confirmed yet: frames of an ended subscription may still be under way. */
  readonly #unconfirmed = new Map<string, number>();
  #link: SubscribeLink | null = null;
  #publisher: Hello | null = null;

  constructor(log: Log, mirroredBytes: number) {
    this.log = log;
    this.budget = new MirrorBudget(mirroredBytes);
  }

  /** Throws ERR_BAD_TOPIC, ERR_ALREADY_SUBSCRIBED. */
  add<T>(topic: string, codec: Codec<T>, handlers: Handlers<T>): Subscription<T> {
    const { messageType } = parseTopic(topic);
    if (messageType !== codec.messageType) {
      throw new PubsubError('ERR_BAD_TOPIC', `${topic} can't be read with the codec of ${codec.messageType}`);
    }
    if (this.#byTopic.has(topic)) throw new PubsubError('ERR_ALREADY_SUBSCRIBED', `${topic} is subscribed to already`);
    const subscription = new Subscription(topic, codec, handlers, this);
    this.#byTopic.set(topic, subscription as Subscription<unknown>);
    this.#link?.subscribe(topic);
    return subscription;
  }

  closed(subscription: Subscription<unknown>): void {
    const { topic } = subscription;
    if (this.#byTopic.get(topic) !== subscription) return;
    this.#byTopic.delete(topic);
    this.budget.forget(subscription);
    if (!this.#link) return;
    this.#unconfirmed.set(topic, (this.#unconfirmed.get(topic) ?? 0) + 1);
    this.#link.unsubscribe(topic);
  }

  /** A connection is there. */
  attach(link: SubscribeLink, hello: Hello): void {
    const before = this.#publisher;
    const isSame = before?.pid === hello.pid && before.startTime === hello.startTime;
    this.#publisher = hello;
    this.#link = link;
    for (const [topic, subscription] of this.#byTopic) {
      subscription.begin(isSame);
      link.subscribe(topic);
    }
  }

  /** It is gone. */
  detach(): void {
    if (!this.#link) return;
    this.#link = null;
    this.#unconfirmed.clear();
    for (const subscription of [...this.#byTopic.values()]) subscription.lose();
    if (!this.budget.isExceeded) return;
    // Or there would be no room for what the next publisher has to say.
    this.budget.isExceeded = false;
    for (const subscription of [...this.#byTopic.values()]) subscription.forget();
  }

  /** The subscription that a frame is for; null: it has ended. Throws ERR_UNEXPECTED_FRAME when there never was one. */
  find(topic: string): Subscription<unknown> | null {
    if (this.#unconfirmed.size > 0 && this.#unconfirmed.has(topic)) return null;
    const subscription = this.#byTopic.get(topic);
    if (!subscription) throw new PubsubError('ERR_UNEXPECTED_FRAME', `${JSON.stringify(topic)} was not subscribed to`);
    return subscription;
  }

  /** The publisher sends nothing more for an unsubscribed topic. */
  confirmed(topic: string): void {
    const count = this.#unconfirmed.get(topic);
    if (count === undefined)
      throw new PubsubError('ERR_UNEXPECTED_FRAME', `${JSON.stringify(topic)} was not unsubscribed`);
    if (count > 1) this.#unconfirmed.set(topic, count - 1);
    else this.#unconfirmed.delete(topic);
  }

  /** The topic is not published any more; it may come back. */
  withdrawn(topic: string): void {
    const subscription = this.find(topic);
    subscription?.lose();
    subscription?.begin(false);
  }
}
