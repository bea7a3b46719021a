import type { ItemState } from '../../../../shared/proto/messages.ts';
import type { Role } from '../../benchmark.ts';

/** How many different items the messages of a stream are about; as many may be under way before one comes again. */
export const KEYS = 512;

/** Where a contestant's publisher, subscribers and server meet. */
export interface Place {
  /** A private directory, for sockets. */
  directory: string;
  /** Of the server, if it has one that listens on loopback. */
  port: number;
  /** Directory of the client's npm package, if it takes one. */
  client: string;
}

/** In the publishing process. */
export interface Publisher {
  /** What is published in one turn of the event loop may go out together at its end. */
  publish(message: ItemState): void;
  /** Resolves when the next messages may be published: after this turn, or when the client says so. */
  flush(): Promise<void>;
  /** What a subscriber who comes later gets first, instead of what it was. Absent: it keeps nothing. */
  keep?(messages: readonly ItemState[]): Promise<void>;
  /** Absent: a subscriber that is ready is known to the server. */
  subscribers?(): number;
}

/** In the subscribing process: one connection. */
export interface Subscriber {
  /** Publishes on the second topic. */
  answer(message: ItemState): void;
  close(): Promise<void>;
}

/** One way to get messages from one process to others. The floor gives no message to `heard`, only its bytes' arrival. */
export interface Transport {
  name: string;
  role: Role;
  /** Starts what stands between publisher and subscribers. */
  serve?(directory: string): Promise<{ place: Partial<Place>; stop(): Promise<void> }>;
  publisher(place: Place, answered: (message: ItemState | null) => void): Promise<Publisher>;
  subscriber(place: Place, heard: (message: ItemState | null) => void): Promise<Subscriber>;
  /** Connects, gets what is kept, leaves; gives the number of items. */
  sync?(place: Place, items: number): Promise<number>;
}
