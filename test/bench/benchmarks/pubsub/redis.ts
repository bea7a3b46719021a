import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { codecs, type ItemState } from '../../../../shared/proto/messages.ts';
import { installDebian, installNpm } from '../../install.ts';
import { startServer } from './server.ts';
import type { Place, Transport } from './transport.ts';

const CLIENT = 'redis@6.3.1';
const CONFIG = 'supervisor/ni1';
const STATUS = 'manager/ni1';

/** What is used of the client. */
interface Client {
  on(event: 'error', listener: (error: Error) => void): void;
  connect(): Promise<unknown>;
  publish(channel: string, message: Buffer): Promise<number>;
  subscribe(channel: string, heard: (message: Buffer) => void, asBuffer: true): Promise<void>;
  del(key: string): Promise<number>;
  hSet(key: string, fields: Map<string, Buffer>): Promise<number>;
  hGetAll(key: string): Promise<Record<string, Buffer>>;
  withTypeMapping(mapping: object): Client;
  destroy(): void;
}

/** Messages as protobuf, by the same code as nibox's; what is kept lies in a hash. A connection that subscribes does nothing else. */
export const redis: Transport = {
  name: 'Redis',
  role: 'peer',

  async serve(directory) {
    await installDebian('redis-server');
    const client = await installNpm(CLIENT);
    const path = pathOf(directory);
    const options = { port: 0, unixsocket: path, dir: directory, save: '', appendonly: 'no' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const isUp = () =>
      access(path).then(
        () => true,
        () => false,
      );
    return { place: { client }, stop: await startServer('redis-server', args, isUp) };
  },

  async publisher(place, answered) {
    const client = await open(place);
    const listener = await open(place);
    await listener.subscribe(STATUS, bytes => answered(codecs.ItemState.decode(bytes)), true);
    let due: Promise<number>[] = [];
    let before: Promise<unknown> = Promise.resolve();
    return {
      publish: message => void due.push(client.publish(CONFIG, encode(message))),
      // The next messages are written while the server handles these.
      async flush() {
        const sent = Promise.all(due);
        due = [];
        await before;
        before = sent;
        await new Promise(resolve => setImmediate(resolve));
      },
      async keep(messages) {
        await client.del(CONFIG);
        if (messages.length > 0) await client.hSet(CONFIG, new Map(messages.map(m => [m.id, encode(m)])));
      },
    };
  },

  async subscriber(place, heard) {
    const listener = await open(place);
    const client = await open(place);
    await listener.subscribe(CONFIG, bytes => heard(codecs.ItemState.decode(bytes)), true);
    return {
      answer: message => void client.publish(STATUS, encode(message)),
      async close() {
        listener.destroy();
        client.destroy();
      },
    };
  },

  async sync(place) {
    const client = await open(place);
    const BLOB = 36; // the reply type of the client's RESP protocol for strings, here wanted as buffers
    const values = await client.withTypeMapping({ [BLOB]: Buffer }).hGetAll(CONFIG);
    const mirror = new Map(Object.entries(values).map(([id, bytes]) => [id, codecs.ItemState.decode(bytes)]));
    client.destroy();
    return mirror.size;
  },
};

async function open({ client: library, directory }: Place): Promise<Client> {
  const { createClient } = createRequire(import.meta.url)(library) as { createClient(options: object): Client };
  const client = createClient({ socket: { path: pathOf(directory) } });
  client.on('error', error => {
    throw error;
  });
  await client.connect();
  return client;
}

function pathOf(directory: string): string {
  return join(directory, 'redis.sock');
}

function encode(message: ItemState): Buffer {
  const bytes = codecs.ItemState.encode(message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
