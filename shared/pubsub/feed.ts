import type { Batch, Change } from './batch.ts';
import { bytesOf, latin1, type Row } from './row.ts';
import type { Table } from './table.ts';

/** Frames are gathered into writes of about this size. */
export const CHUNK_BYTES = 64 * 1024;

/** A connection, as its feeds see it. */
export interface Outlet {
  /** False: hold back, `pump` is called when there is room again. */
  readonly hasRoom: boolean;
  enqueue(bytes: Buffer): void;
  /** Asks for a `pump` at the end of this turn of the event loop, or when there is room. */
  wake(feed: Feed): void;
  /** The publication was taken away. */
  withdrawn(topic: string): void;
}

/**
 * One subscriber's view of one table: what it still has to be told. A subscriber that keeps up gets the table's shared batches
 * and costs nothing here; one whose wire is full costs a set of keys, never a queue of values.
 */
export class Feed {
  readonly topic: string;
  readonly #outlet: Outlet;
  #table: Table | null = null;
  /** Keys of the snapshot that were not sent yet; null: the snapshot is complete. */
  #snapshot: Set<string> | null = null;
  /** Keys to be told, each with the row that the subscriber got last (null: none). */
  readonly #deleted = new Map<string, Row>();
  readonly #changed = new Map<string, Row | null>();
  #restartCount = 0;

  constructor(topic: string, outlet: Outlet) {
    this.topic = topic;
    this.#outlet = outlet;
  }

  /** There is something to tell about now: snapshot first. */
  start(table: Table): void {
    table.attach(this);
    this.#table = table;
    this.#snapshot = new Set(table.rows.keys());
    this.#restartCount = 0;
    this.#outlet.wake(this);
  }

  stop(): void {
    this.#table?.detach(this);
    this.#table = null;
    this.#snapshot = null;
    this.#deleted.clear();
    this.#changed.clear();
  }

  /** Learns now what changed in this turn. */
  catchUp(): void {
    this.#table?.flush();
  }

  withdraw(): void {
    this.stop();
    this.#outlet.withdrawn(this.topic);
  }

  /** There are changes to be had, by `pump`. */
  announce(): void {
    this.#outlet.wake(this);
  }

  /** Takes the changes of one turn of the event loop. */
  absorb(batch: Batch): void {
    if (this.#isEven()) {
      for (const chunk of batch.chunks()) {
        if (this.#outlet.hasRoom) this.#outlet.enqueue(chunk.bytes);
        else this.#remember(chunk.changes);
      }
    } else {
      this.#remember(batch.changes);
    }
    if (!this.#isEven() || this.#restartCount !== this.#table?.restartCount) this.#outlet.wake(this);
  }

  /** Sends what is due while there is room. False: some is left. */
  pump(): boolean {
    const table = this.#table;
    if (!table) return true;
    table.flush(); // what changed in this turn is noted before the current values are read
    const packer = new Packer(this.#outlet);
    if (this.#snapshot) {
      for (const key of this.#snapshot) {
        if (!this.#outlet.hasRoom) return packer.end(false);
        this.#snapshot.delete(key);
        packer.addRow(table.rows.get(key)!);
      }
      this.#snapshot = null;
      packer.add(table.frames.complete());
      this.#tellRestart(table, packer);
    }
    for (const key of this.#deleted.keys()) {
      if (!this.#outlet.hasRoom) return packer.end(false);
      this.#deleted.delete(key);
      packer.add(table.frames.delete(key));
    }
    for (const [key, sent] of this.#changed) {
      if (!this.#outlet.hasRoom) return packer.end(false);
      this.#changed.delete(key);
      const row = table.rows.get(key)!;
      if (sent?.value !== row.value) packer.addRow(row);
    }
    this.#tellRestart(table, packer);
    return packer.end(true);
  }

  #tellRestart(table: Table, packer: Packer): void {
    if (this.#restartCount === table.restartCount) return;
    this.#restartCount = table.restartCount;
    packer.add(table.frames.restarted(table.restartCount));
  }

  /** True when the subscriber was told all there was before this turn. */
  #isEven(): boolean {
    return this.#snapshot === null && this.#deleted.size === 0 && this.#changed.size === 0;
  }

  #remember(changes: readonly Change[]): void {
    for (const { key, before } of changes) {
      const exists = this.#table?.rows.has(key) === true;
      if (this.#snapshot?.has(key)) {
        if (!exists) this.#snapshot.delete(key);
        continue;
      }
      const sent = this.#deleted.get(key) ?? (this.#changed.has(key) ? this.#changed.get(key)! : before);
      if (exists) {
        this.#deleted.delete(key);
        this.#changed.set(key, sent);
      } else {
        this.#changed.delete(key);
        if (sent !== null) this.#deleted.set(key, sent);
      }
    }
  }
}

/** Gathers frames into chunks. */
class Packer {
  readonly #outlet: Outlet;
  #parts: string[] = [];
  #bytes = 0;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  add(frame: Buffer): void {
    this.#parts.push(latin1(frame));
    this.#grow(frame.length);
  }

  addRow({ lead, value }: Row): void {
    this.#parts.push(lead, value);
    this.#grow(lead.length + value.length);
  }

  /** Hands on what was gathered, and gives back `result`. */
  end<R>(result: R): R {
    if (this.#parts.length > 0) this.#outlet.enqueue(bytesOf(this.#parts));
    this.#parts = [];
    this.#bytes = 0;
    return result;
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= CHUNK_BYTES) this.end(true);
  }
}
