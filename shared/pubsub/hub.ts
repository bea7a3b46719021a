import { PubsubError } from './errors.ts';
import type { Feed } from './feed.ts';
import type { Publication } from './publication.ts';

/**
 * The publications that one side offers on its connections. That is the access control too: a connection sees its hub and
 * nothing else. A publication may stand in several hubs.
 */
export class Hub {
  readonly #publications = new Map<string, Publication<unknown>>();
  readonly #feeds = new Map<string, Set<Feed>>();

  /** Offers a publication; subscriptions that wait for its topic begin. Throws ERR_TOPIC_TAKEN. */
  add<T>(publication: Publication<T>): void {
    const { topic } = publication;
    if (this.#publications.has(topic)) throw new PubsubError('ERR_TOPIC_TAKEN', `${topic} is published already`);
    this.#publications.set(topic, publication as Publication<unknown>);
    publication.shelves.add(this);
    for (const feed of this.#feeds.get(topic) ?? []) feed.start(publication.table);
  }

  /** Its subscribers keep what they have, as stale, and wait for the topic to come back. */
  remove<T>(publication: Publication<T>): void {
    if (this.#publications.get(publication.topic) !== publication) return;
    this.#publications.delete(publication.topic);
    publication.shelves.delete(this);
    for (const feed of this.#feeds.get(publication.topic) ?? []) feed.withdraw();
  }

  /** The topics on offer, sorted. */
  list(): string[] {
    return [...this.#publications.keys()].sort();
  }

  /** The topics that are subscribed to but not on offer, sorted. */
  wanted(): string[] {
    return [...this.#feeds.keys()].filter(topic => !this.#publications.has(topic)).sort();
  }

  /** For connections: feeds it now, or when its topic is added. */
  open(feed: Feed): void {
    const feeds = this.#feeds.get(feed.topic) ?? new Set();
    this.#feeds.set(feed.topic, feeds.add(feed));
    const publication = this.#publications.get(feed.topic);
    if (publication) feed.start(publication.table);
  }

  /** For connections. */
  close(feed: Feed): void {
    feed.stop();
    const feeds = this.#feeds.get(feed.topic);
    feeds?.delete(feed);
    if (feeds?.size === 0) this.#feeds.delete(feed.topic);
  }
}
