import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ChaosDevice } from '../device/device.ts';
import { instances, type Ni, ways, withDnsmasq, withTunnel } from '../device/layout.ts';
import type { Random } from '../random.ts';
import type { ActionKind, Field } from './action.ts';

/** Milliseconds that a peer has to close the connection; it need not. */
const ANSWER_MS = 1_000;
const METADATA = '169.254.169.254';

/** Bytes that begin as a frame, an HTTP request or a VICI packet might, and go on as they like. */
function garbage(random: Random): Buffer {
  const beginnings = [
    Buffer.alloc(0),
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f]), // a frame of 32 GiB
    Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]), // a varint without end
    Buffer.from([0x02, 0x0a, 0x7f]), // a hello that ends early
    Buffer.from([0xff, 0xff, 0xff, 0xff]), // a VICI packet of 4 GiB
    Buffer.from([0x00, 0x00, 0x00, 0x02, 0x00, 0xff]),
    Buffer.from('GET /v1/status HTTP/1.1\r\n'),
    Buffer.from('POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n'),
    Buffer.from('GET /v1/pubsub HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
  ];
  return Buffer.concat([random.pick(beginnings), random.bytes(random.between(0, 3000))]);
}

async function viciSocket({ runDirectory }: ChaosDevice, ni: string): Promise<string | null> {
  const directory = join(runDirectory, 'ni', ni);
  const files = await readdir(directory, { recursive: true }).catch(() => []);
  const found = files.find(file => file.endsWith('.vici'));
  return found ? join(directory, found) : null;
}

function throwAt(path: string, bytes: Buffer): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(path, () => socket.write(bytes));
    socket.on('error', error => resolve(error.message));
    socket.on('close', () => resolve('closed'));
    socket.resume();
    setTimeout(() => {
      resolve('left open');
      socket.destroy();
    }, ANSWER_MS);
  });
}

function kind(
  name: string,
  targets: readonly string[],
  throwIt: (field: Field, target: string, random: Random) => Promise<string | null>,
): ActionKind {
  return {
    name: `garbage to ${name}`,
    effect: 'death',
    weight: 1,
    targets,
    affects: target => (target === 'supervisor' ? instances : [target as Ni]),
    perform: async (field, target, random) => {
      const detail = await throwIt(field, target, random);
      return detail === null ? null : { detail, isUndone: () => true };
    },
  };
}

/** By the app on the NI, from its namespace. */
function byApp(protocol: 'tcp' | 'udp', port: number, host: (ni: Ni) => string) {
  return async ({ traffic }: Field, target: string, random: Random) => {
    const bytes = garbage(random);
    const ni = target as Ni;
    traffic.order(ways[ni].app, { protocol, port, host: host(ni), garbage: bytes.toString('base64') });
    return `${bytes.length} bytes`;
  };
}

const inDirectory =
  (name: string) =>
  ({ device }: Field, ni: string, random: Random) =>
    throwAt(join(device.runDirectory, 'ni', ni, name), garbage(random));

/** Nonsense to everything that listens. */
export const garbageKinds: ActionKind[] = [
  kind('manager.sock', instances, inDirectory('manager.sock')),
  kind('supervisor.sock', instances, inDirectory('supervisor.sock')),
  kind('api.sock', ['supervisor'], ({ device }, _, random) =>
    throwAt(join(device.runDirectory, 'api.sock'), garbage(random)),
  ),
  kind('vici', withTunnel, async ({ device }, ni, random) => {
    const path = await viciSocket(device, ni);
    return path === null ? null : throwAt(path, garbage(random));
  }),
  kind(
    'metadata',
    withDnsmasq,
    byApp('tcp', 80, () => METADATA),
  ),
  kind(
    'DNS by UDP',
    withDnsmasq,
    byApp('udp', 53, ni => ways[ni].dns),
  ),
  kind(
    'DNS by TCP',
    withDnsmasq,
    byApp('tcp', 53, ni => ways[ni].dns),
  ),
  kind(
    'DHCP',
    withDnsmasq,
    byApp('udp', 67, ni => ways[ni].dns),
  ),
];
