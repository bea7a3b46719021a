import { CHUNK_BYTES } from './feed.ts';
import type { TopicFrames } from './frame-writer.ts';
import { bytesOf, latin1, type Row } from './row.ts';

/** A key that changed in one turn of the event loop: its row before the turn and now; null: there was, or is, none. */
export interface Change {
  readonly key: string;
  readonly before: Row | null;
  readonly now: Row | null;
}

/** Some frames in one piece of memory, and the changes that they tell. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly changes: readonly Change[];
}

/** The changes of one turn of the event loop. Encoded once, when the first subscriber asks; all share the bytes. */
export class Batch {
  readonly changes: readonly Change[];
  readonly #frames: TopicFrames;
  #chunks: Chunk[] | null = null;

  constructor(changes: readonly Change[], frames: TopicFrames) {
    this.changes = changes;
    this.#frames = frames;
  }

  /** Deletes come before updates; a key that is again what it was is left out. */
  chunks(): readonly Chunk[] {
    this.#chunks ??= this.#build();
    return this.#chunks;
  }

  #build(): Chunk[] {
    const chunks: Chunk[] = [];
    let parts: string[] = [];
    let changes: Change[] = [];
    let bytes = 0;
    const cut = () => {
      if (parts.length > 0) chunks.push({ bytes: bytesOf(parts), changes });
      parts = [];
      changes = [];
      bytes = 0;
    };
    const add = (lead: string, value: string, change: Change) => {
      parts.push(lead, value);
      changes.push(change);
      bytes += lead.length + value.length;
      if (bytes >= CHUNK_BYTES) cut();
    };
    for (const change of this.changes) {
      if (change.now === null && change.before !== null) add(latin1(this.#frames.delete(change.key)), '', change);
    }
    for (const change of this.changes) {
      const { before, now } = change;
      if (now !== null && now.value !== before?.value) add(now.lead, now.value, change);
    }
    cut();
    return chunks;
  }
}
