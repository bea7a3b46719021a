import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { codecs } from '../../../../shared/proto/messages.ts';
import { installDebian, installNpm } from '../../install.ts';
import { startServer } from './server.ts';
import type { Place, Transport } from './transport.ts';

const CLIENT = '@nats-io/transport-node@3.4.0';
const CONFIG = 'supervisor.ni1';
const STATUS = 'manager.ni1';

/** What is used of the client. */
interface Client {
  publish(subject: string, payload: Uint8Array): void;
  subscribe(subject: string, options: { callback(error: Error | null, message: { data: Uint8Array }): void }): unknown;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Messages as protobuf, by the same code as nibox's; its server speaks TCP only. It keeps nothing without JetStream. */
export const nats: Transport = {
  name: 'NATS',
  role: 'peer',

  async serve() {
    await installDebian('nats-server');
    const client = await installNpm(CLIENT);
    const port = await freePort();
    const stop = await startServer('nats-server', ['-a', '127.0.0.1', '-p', String(port)], () => answers(port));
    return { place: { port, client }, stop };
  },

  async publisher(place, answered) {
    const client = await open(place);
    listen(client, STATUS, answered);
    await client.flush();
    return {
      publish: message => client.publish(CONFIG, codecs.ItemState.encode(message)),
      // The client writes by itself after each turn; waiting for the server each time would only slow it.
      flush: () => new Promise(resolve => setImmediate(resolve)),
    };
  },

  async subscriber(place, heard) {
    const client = await open(place);
    listen(client, CONFIG, heard);
    await client.flush();
    return {
      answer: message => client.publish(STATUS, codecs.ItemState.encode(message)),
      close: () => client.close(),
    };
  },
};

function listen(client: Client, subject: string, heard: Parameters<Transport['subscriber']>[1]): void {
  client.subscribe(subject, {
    callback(error, { data }) {
      if (error) throw error;
      heard(codecs.ItemState.decode(data));
    },
  });
}

function open({ client, port }: Place): Promise<Client> {
  const library = createRequire(import.meta.url)(client) as { connect(options: object): Promise<Client> };
  return library.connect({ servers: `127.0.0.1:${port}` });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
