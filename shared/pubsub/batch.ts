import { CHUNK_BYTES } from './feed.ts';
import type { TopicFrames } from './frame-writer.ts';

/** A key with the frame that subscribers knew before; null: they did not know the key. */
export type Change = readonly [key: string, before: Buffer | null];

/** Some frames in one piece of memory, and the changes that they tell. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly changes: readonly Change[];
}

/** The changes of one turn of the event loop. Encoded once, when the first subscriber asks; all share the bytes. */
export class Batch {
  readonly changes: ReadonlyMap<string, Buffer | null>;
  readonly #frames: TopicFrames;
  readonly #rows: ReadonlyMap<string, Buffer>;
  #chunks: Chunk[] | null = null;

  constructor(changes: ReadonlyMap<string, Buffer | null>, rows: ReadonlyMap<string, Buffer>, frames: TopicFrames) {
    this.changes = changes;
    this.#rows = rows;
    this.#frames = frames;
  }

  /** Deletes come before updates; a key that is again what it was is left out. */
  chunks(): readonly Chunk[] {
    this.#chunks ??= this.#build();
    return this.#chunks;
  }

  #build(): Chunk[] {
    const chunks: Chunk[] = [];
    let frames: Buffer[] = [];
    let changes: Change[] = [];
    let bytes = 0;
    const cut = () => {
      if (frames.length === 0) return;
      chunks.push({ bytes: frames.length === 1 ? frames[0]! : Buffer.concat(frames, bytes), changes });
      frames = [];
      changes = [];
      bytes = 0;
    };
    const add = (frame: Buffer, change: Change) => {
      frames.push(frame);
      changes.push(change);
      bytes += frame.length;
      if (bytes >= CHUNK_BYTES) cut();
    };
    for (const change of this.changes) {
      const [key, before] = change;
      if (before !== null && !this.#rows.has(key)) add(this.#frames.delete(key), change);
    }
    for (const change of this.changes) {
      const [key, before] = change;
      const now = this.#rows.get(key);
      if (now && (before === null || !before.equals(now))) add(now, change);
    }
    cut();
    return chunks;
  }
}
