import { Batch } from './batch.ts';
import type { Feed } from './feed.ts';
import { TopicFrames } from './frame-writer.ts';

/**
 * The sending half of a publication: the frame of each key as it goes out, and who is to be told. Changes are gathered until the
 * end of the turn of the event loop, so that a key that changed ten times is told once.
 */
export class Table {
  readonly topic: string;
  readonly frames: TopicFrames;
  readonly #rows = new Map<string, Buffer>();
  readonly #feeds = new Set<Feed>();
  #changes = new Map<string, Buffer | null>();
  #restartCount = 0;
  #restartTold = true;
  #tick: NodeJS.Immediate | null = null;

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

  keys(): IterableIterator<string> {
    return this.#rows.keys();
  }

  frame(key: string): Buffer | undefined {
    return this.#rows.get(key);
  }

  /** False: the frame is the same as before. */
  put(key: string, frame: Buffer): boolean {
    const before = this.#rows.get(key) ?? null;
    if (before?.equals(frame)) return false;
    this.#rows.set(key, frame);
    this.#note(key, before);
    return true;
  }

  remove(key: string): void {
    const before = this.#rows.get(key);
    if (!before) return;
    this.#rows.delete(key);
    this.#note(key, before);
  }

  restarted(count: number): void {
    this.#restartCount = count;
    this.#restartTold = false;
    this.#schedule();
  }

  attach(feed: Feed): void {
    this.flush(); // what changed earlier in this turn is for those who were there
    this.#feeds.add(feed);
  }

  detach(feed: Feed): void {
    this.#feeds.delete(feed);
    if (this.#feeds.size === 0) this.flush(); // nobody to tell: forgets and frees the timer
  }

  /** Tells every feed now what has gathered. */
  flush(): void {
    if (this.#tick) clearImmediate(this.#tick);
    this.#tick = null;
    if (this.#changes.size === 0 && this.#restartTold) return;
    const batch = new Batch(this.#changes, this.#rows, this.frames);
    this.#changes = new Map();
    this.#restartTold = true;
    for (const feed of this.#feeds) feed.absorb(batch);
  }

  #note(key: string, before: Buffer | null): void {
    if (this.#feeds.size === 0) return;
    if (!this.#changes.has(key)) this.#changes.set(key, before);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#feeds.size > 0) this.#tick ??= setImmediate(() => this.flush());
  }
}
