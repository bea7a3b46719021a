import type { Log } from '../log/log.ts';
import { silentLog } from '../log/log.ts';
import type { Codec } from '../proto/messages.ts';
import { reasonOf } from './errors.ts';
import { bytesOf, latin1 } from './row.ts';
import type { Store } from './store.ts';
import { Table } from './table.ts';
import { checkKey, topicName } from './topic.ts';

export interface PublicationOptions<T> {
  agent: string;
  scope: string;
  codec: Codec<T>;
  /** Makes the topic persistent: what it holds is loaded here, and every change goes to the store. */
  store?: Store;
  log?: Log;
}

/** Whom a publication was added to. */
interface Shelf {
  remove(publication: Publication<unknown>): void;
}

/** A table of keyed messages, owned by one agent, that subscribers mirror. */
export class Publication<T> {
  readonly topic: string;
  /** For the hub. */
  readonly table: Table;
  /** For the hub. */
  readonly shelves = new Set<Shelf>();
  readonly #codec: Codec<T>;
  readonly #store: Store | null;

  constructor(options: PublicationOptions<T>) {
    this.topic = topicName(options.agent, options.scope, options.codec.messageType);
    this.table = new Table(this.topic);
    this.#codec = options.codec;
    this.#store = options.store ?? null;
    if (this.#store) this.#load(this.#store, options.log ?? silentLog);
  }

  get size(): number {
    return this.table.rows.size;
  }

  /** Connections that mirror it now. */
  get subscribers(): number {
    return this.table.subscribers;
  }

  get restartCount(): number {
    return this.table.restartCount;
  }

  get(key: string): T | undefined {
    return this.table.rows.get(key)?.message as T | undefined;
  }

  *entries(): IterableIterator<[string, T]> {
    for (const [key, { message }] of this.table.rows) yield [key, message as T];
  }

  /**
   * Publishes a value. False: its encoded bytes are what they were, and nothing is sent.
   * Throws ERR_BAD_KEY, ERR_FRAME_TOO_BIG or what the codec throws, and then changes nothing.
   */
  set(key: string, value: T): boolean {
    if (!this.table.rows.has(key)) checkKey(key);
    const bytes = this.#encode(value);
    const isNew = this.table.put(key, bytes, value);
    if (isNew) this.#store?.put(key, bytesOf([bytes]));
    return isNew;
  }

  /** False: there was no such key. */
  delete(key: string): boolean {
    if (!this.table.remove(key)) return false;
    this.#store?.remove(key);
    return true;
  }

  /** Makes `values` all that is published. */
  replaceAll(values: ReadonlyMap<string, T>): void {
    for (const key of this.table.rows.keys()) if (!values.has(key)) this.delete(key);
    for (const [key, value] of values) this.set(key, value);
  }

  /** Tells subscribers that the agent has started anew and that what is published is complete again. */
  signalRestarted(): void {
    const count = (this.table.restartCount + 1) >>> 0 || 1; // uint32 on the wire, and 0 means never
    this.table.restarted(count);
    this.#store?.putRestartCount(count);
  }

  /** Withdraws the topic from every hub. Subscribers keep what they have, as stale; a store keeps its files. */
  close(): void {
    for (const shelf of this.shelves) shelf.remove(this as Publication<unknown>);
  }

  /** A character for each byte. */
  #encode(value: T): string {
    const written = this.#codec.write?.(value);
    return written ? latin1(written.buf, written.pos) : latin1(this.#codec.encode(value));
  }

  #load(store: Store, log: Log): void {
    for (const [key, bytes] of store.entries) {
      try {
        const value = this.#codec.decode(bytes);
        this.table.put(key, latin1(bytes), value);
      } catch (error) {
        log.error(
          { topic: this.topic, key, reason: reasonOf(error) },
          'a stored value is no such message, it is put aside',
        );
        store.putAside(key, `not a ${this.#codec.messageType}: ${reasonOf(error)}`);
      }
    }
    this.table.restarted(store.restartCount);
  }
}
