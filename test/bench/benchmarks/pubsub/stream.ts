import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ItemState } from '../../../../shared/proto/messages.ts';
import type { Place, Publisher, Subscriber, Transport } from './transport.ts';

type Frame = Buffer | string;

/** How messages lie in a stream. */
export interface Framing {
  encode(message: ItemState): Frame;
  join(frames: readonly Frame[]): Buffer;
  /** Makes a reader of one connection's chunks. */
  reader(heard: (message: ItemState | null) => void): (chunk: Buffer) => void;
}

/** Unix sockets without more: a publisher that listens, encodes once, and writes what came together as one piece to all. */
export function streamTransport(framing: Framing): Pick<Transport, 'publisher' | 'subscriber' | 'sync'> {
  return {
    publisher: (place, answered) => listen(place, framing, answered),
    subscriber: (place, heard) => dial(place, framing, heard),
    async sync(place, items) {
      let count = 0;
      let done = () => {};
      const all = new Promise<void>(resolve => {
        done = resolve;
      });
      const subscriber = await dial(place, framing, () => {
        if (++count === items) done();
      });
      await all;
      await subscriber.close();
      return count;
    },
  };
}

async function listen(
  place: Place,
  framing: Framing,
  answered: (message: ItemState | null) => void,
): Promise<Publisher> {
  const sockets = new Set<Socket>();
  let kept: readonly Frame[] = [];
  let due: Frame[] = [];
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('data', framing.reader(answered));
    socket.on('close', () => sockets.delete(socket));
    if (kept.length > 0) socket.write(framing.join(kept));
  });
  server.listen(join(place.directory, 'stream.sock'));
  await once(server, 'listening');
  return {
    publish: message => void due.push(framing.encode(message)),
    async flush() {
      const bytes = framing.join(due);
      due = [];
      for (const socket of sockets) socket.write(bytes);
      await new Promise(resolve => setImmediate(resolve));
    },
    keep: async messages => {
      kept = messages.map(message => framing.encode(message));
    },
    subscribers: () => sockets.size,
  };
}

async function dial(place: Place, framing: Framing, heard: (message: ItemState | null) => void): Promise<Subscriber> {
  const socket = connect(join(place.directory, 'stream.sock'));
  socket.on('data', framing.reader(heard));
  await once(socket, 'connect');
  return {
    answer: message => void socket.write(framing.join([framing.encode(message)])),
    async close() {
      socket.end();
      await once(socket, 'close');
    },
  };
}
