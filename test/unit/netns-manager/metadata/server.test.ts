import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { MetadataServer } from '../../../../netns-manager/metadata/server.ts';
import { silentLog } from '../../../../shared/log/log.ts';

const UUID = '11111111-1111-4111-8111-111111111111';
const device = {
  uuid: 'device-uuid',
  name: 'device',
  projectName: 'project',
  projectUuid: 'project-uuid',
  enterpriseName: 'enterprise',
  enterpriseUuid: 'enterprise-uuid',
};

let server: MetadataServer;
let port: number;
let external: string[];
let known: boolean;
/** What a page throws, if it is to fail. */
let failure: Error | null;

before(async () => {
  server = new MetadataServer({
    log: silentLog,
    address: '127.0.0.1',
    port: 0,
    lookup: address => {
      if (failure) throw failure;
      return known && address === '127.0.0.1' ? { appUuid: UUID } : null;
    },
    external: () => external,
    device: () => device,
  });
  server.start();
  while (!server.isListening) await new Promise(resolve => setTimeout(resolve, 5));
  port = server.port ?? 0;
});
after(() => server.close());
beforeEach(() => {
  external = ['192.168.0.2', '10.0.0.7'];
  known = true;
  failure = null;
});

interface Reply {
  status: number;
  type: string | undefined;
  connection: string | undefined;
  body: string;
  localPort: number;
}

function get(path: string, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let localPort = 0;
    const request = httpRequest({ host: '127.0.0.1', port, path, method, agent: false }, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { 'content-type': type, connection } = response.headers;
        resolve({ status: response.statusCode ?? 0, type, connection, body: String(Buffer.concat(chunks)), localPort });
      });
    });
    request.on('socket', socket => socket.on('connect', () => (localPort = socket.localPort ?? 0)));
    request.on('error', reject).end();
  });
}

/** Sends bytes and gives what comes back until the server closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', chunk => (text += chunk));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

test('network.json tells the app who and where it is', async () => {
  const { status, type, body, connection, localPort } = await get('/eve/v1/network.json');
  assert.equal(status, 200);
  assert.equal(type, 'application/json');
  assert.equal(connection, 'close');
  assert.deepEqual(JSON.parse(body), {
    'caller-ip': `127.0.0.1:${localPort}`,
    'external-ipv4': '192.168.0.2,10.0.0.7',
    hostname: UUID,
    'app-instance-uuid': UUID,
    'device-uuid': 'device-uuid',
    'device-name': 'device',
    'project-name': 'project',
    'project-uuid': 'project-uuid',
    'enterprise-name': 'enterprise',
    'enterprise-id': 'enterprise-uuid',
  });
});

test('external_ipv4 and hostname are plain text', async () => {
  const { body, type } = await get('/eve/v1/external_ipv4');
  assert.deepEqual([body, type], ['192.168.0.2\n10.0.0.7\n', 'text/plain']);
  assert.equal((await get('/eve/v1/hostname?x=1')).body, UUID);
});

test('a caller whom nobody knows learns nothing of apps or uplinks', async () => {
  known = false;
  const network = await get('/eve/v1/network.json');
  assert.equal(network.status, 404);
  assert.equal(JSON.parse(network.body)['external-ipv4'], '');
  assert.equal(JSON.parse(network.body).hostname, '');
  assert.deepEqual([(await get('/eve/v1/external_ipv4')).status, (await get('/eve/v1/hostname')).status], [404, 204]);
});

test('without an uplink address there is no content', async () => {
  external = [];
  assert.deepEqual(
    [(await get('/eve/v1/network.json')).status, (await get('/eve/v1/external_ipv4')).status],
    [204, 204],
  );
  assert.equal((await get('/eve/v1/hostname')).status, 200);
});

test('unknown paths, other methods and failures have their status', async () => {
  assert.equal((await get('/')).status, 404);
  assert.equal((await get('/eve/v1/network.json/')).status, 404);
  assert.equal((await get('/eve/v1/network.json', 'POST')).status, 405);
  assert.equal((await get('/eve/v1/network.json', 'HEAD')).status, 405);
  failure = new Error('broken');
  assert.equal((await get('/eve/v1/hostname')).status, 500);
});

test('garbage, huge headers and endless bodies are refused, and the next one is served', async () => {
  assert.match(await raw('\0\x01\x02 nonsense\r\n\r\n'), /^HTTP\/1.1 400/);
  assert.match(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 (400|431)/);
  assert.match(await raw('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nabc'), /^HTTP\/1.1 404/);
  assert.equal((await get('/eve/v1/hostname')).status, 200);
});

test('one caller can hold only so many connections, and idle ones are closed', { timeout: 30_000 }, async () => {
  const sockets: Socket[] = [];
  const closed: Promise<unknown>[] = [];
  let dropped = 0;
  for (let index = 0; index < 20; index++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(socket);
    closed.push(once(socket, 'close').then(() => dropped++));
    await once(socket, 'connect');
  }
  while (dropped < 4) await new Promise(resolve => setTimeout(resolve, 20));
  assert.equal(dropped, 4, 'those over the limit at once');
  sockets[0]?.write('GET /eve/v1/host'); // a slow one
  await Promise.all(closed);
  assert.equal((await get('/eve/v1/hostname')).status, 200);
});
