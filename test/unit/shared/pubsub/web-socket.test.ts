import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { acceptWire, Hub, openWebSocket, Session, webSocketWire } from '../../../../shared/pubsub/index.ts';
import { identity, publication, TOPIC, textCodec } from './support.ts';

test('the same pubsub runs over a WebSocket, with back-pressure and both ways of ending', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-ws-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'api.sock');
  const hub = new Hub();
  const pub = publication();
  for (let i = 0; i < 5000; i++) pub.set(`key-${i}`, 'x'.repeat(500));
  hub.add(pub);
  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 17 * 1024 * 1024 });
  server.on('connection', socket => acceptWire(webSocketWire(socket), { hub, identity: identity('pub') }));
  http.listen(path);
  await once(http, 'listening');
  const connect = () => openWebSocket(new WebSocket(`ws+unix:${path}:/`, { perMessageDeflate: false }));
  const session = new Session({ connect, identity: identity('sub'), backoff: { firstMs: 5, maxMs: 10 } });
  t.after(() => {
    session.close();
    for (const socket of server.clients) socket.terminate();
    http.close();
  });
  const subscription = session.subscribe(TOPIC, textCodec, {});
  const wait = async (condition: () => boolean) => {
    for (let i = 0; i < 2000 && !condition(); i++) await new Promise(resolve => setTimeout(resolve, 5));
    assert.ok(condition(), String(condition));
  };
  session.start();
  await wait(() => subscription.synchronized);
  assert.equal(subscription.entries.size, 5000);
  for (let i = 0; i < 5000; i++) pub.set(`key-${i}`, 'y'.repeat(500));
  pub.delete('key-0');
  await wait(
    () => subscription.entries.get('key-4999')?.startsWith('y') === true && subscription.entries.size === 4999,
  );
  for (const socket of server.clients) socket.terminate();
  await wait(() => subscription.stale);
  await wait(() => subscription.synchronized);
  session.close();
  await wait(() => server.clients.size === 0);
});
