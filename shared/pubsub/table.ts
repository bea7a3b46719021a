import { Batch, type Change } from './batch.ts';
import type { Feed } from './feed.ts';
import { TopicFrames } from './frame-writer.ts';
import type { Row } from './row.ts';

/**
 * The sending half of a publication: the row of each key as it goes out, and who is to be told. Changes are gathered until the
 * first of the subscribers' connections sends, at the end of the turn of the event loop, so that a key that changed ten times is
 * told once.
 */
export class Table {
  readonly topic: string;
  readonly frames: TopicFrames;
  readonly #rows = new Map<string, Row>();
  readonly #feeds = new Set<Feed>();
  #changes = new Map<string, { key: string; before: Row | null; now: Row | null }>();
  #restartCount = 0;
  /** The feeds know that there is something to tell. */
  #isAnnounced = false;

  constructor(topic: string) {
    this.topic = topic;
    this.frames = new TopicFrames(topic);
  }

  get subscribers(): number {
    return this.#feeds.size;
  }

  get restartCount(): number {
    return this.#restartCount;
  }

  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  /** `value` has a character for each byte of the message. False: it is the same as before. Throws ERR_FRAME_TOO_BIG. */
  put(key: string, value: string, message: unknown): boolean {
    const before = this.#rows.get(key);
    if (before?.value === value) {
      before.message = message;
      return false;
    }
    const isSameLead = before?.value.length === value.length;
    const row: Row = { lead: isSameLead ? before.lead : this.frames.lead(key, value.length), value, message };
    this.#rows.set(key, row);
    this.#note(key, before ?? null, row);
    return true;
  }

  /** False: there was no such key. */
  remove(key: string): boolean {
    const before = this.#rows.get(key);
    if (!before) return false;
    this.#rows.delete(key);
    this.#note(key, before, null);
    return true;
  }

  restarted(count: number): void {
    this.#restartCount = count;
    this.#announce();
  }

  attach(feed: Feed): void {
    this.flush(); // what changed earlier in this turn is for those who were there
    this.#feeds.add(feed);
  }

  detach(feed: Feed): void {
    this.#feeds.delete(feed);
    if (this.#feeds.size === 0) this.flush(); // nobody to tell: forgets
  }

  /** Tells every feed now what has gathered. */
  flush(): void {
    if (!this.#isAnnounced) return;
    this.#isAnnounced = false;
    const changes: Change[] = [...this.#changes.values()];
    this.#changes = new Map();
    const batch = new Batch(changes, this.frames);
    for (const feed of this.#feeds) feed.absorb(batch);
  }

  #note(key: string, before: Row | null, now: Row | null): void {
    if (this.#feeds.size === 0) return;
    const change = this.#changes.get(key);
    if (change) change.now = now;
    else this.#changes.set(key, { key, before, now });
    this.#announce();
  }

  #announce(): void {
    if (this.#isAnnounced || this.#feeds.size === 0) return;
    this.#isAnnounced = true;
    for (const feed of this.#feeds) feed.announce();
  }
}
