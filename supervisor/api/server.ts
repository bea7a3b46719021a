import { once } from 'node:events';
import { chmod, chown, mkdir, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { WebSocketServer } from 'ws';
import type { Log } from '../../shared/log/log.ts';
import { acceptWire, webSocketWire } from '../../shared/pubsub/index.ts';
import { toApiError } from './api-error.ts';
import { readBody } from './body.ts';
import type { DaemonControl } from './contract.ts';
import { findRoute } from './routes.ts';
import { PUBSUB_PATH } from './topics.ts';

/** The largest pubsub frame, and some. */
const MAX_PAYLOAD_BYTES = 17 * 1024 * 1024;

export interface ApiOptions {
  /** The Unix socket; one that nobody listens on is replaced. */
  path: string;
  /** A group whose members may use it too. */
  gid?: number | undefined;
  control: DaemonControl;
  log: Log;
}

/** Serves the API on a Unix socket that only its owner may open, or a group too. Throws when another process answers there. */
export async function serveApi({ path, gid, control, log }: ApiOptions): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => void serve(request, response, { path, control, log }));
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', cause => log.debug({ err: cause }, 'a WebSocket client went'));
    if (pathOf(request) !== PUBSUB_PATH) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    webSockets.handleUpgrade(request, socket, head, webSocket => {
      acceptWire(webSocketWire(webSocket), { hub: control.hub, identity: control.identity, log });
    });
  });
  await listen(server, path, gid);
  return {
    async close() {
      for (const webSocket of webSockets.clients) webSocket.terminate();
      webSockets.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, { control, log }: ApiOptions): Promise<void> {
  const method = request.method ?? 'GET';
  try {
    const { searchParams: query, pathname } = new URL(request.url ?? '/', 'http://nibox');
    const { verb, route, name } = findRoute(method, pathname);
    const answer = await route.answer(control, { name, query, body: () => readBody(request) });
    if (verb === 'stop') response.once('close', () => stop(control, log, query.get('keep') === '1'));
    send(response, 200, answer);
  } catch (cause) {
    const error = toApiError(cause);
    if (error.status >= 500) log.error({ err: cause, method, url: request.url }, 'an API request failed');
    const { code, message, remedy } = error;
    // What is left of the body is not read, so nothing else can come on this connection.
    if (!request.complete) response.setHeader('connection', 'close');
    send(response, error.status, { code, message, remedy });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function stop(control: DaemonControl, log: Log, keep: boolean): void {
  control.stop(keep).catch((cause: unknown) => log.error({ err: cause }, 'the stop failed'));
}

const pathOf = ({ url }: IncomingMessage) => (url ?? '').split('?')[0];

async function listen(server: Server, path: string, gid: number | undefined): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (await isAnswered(path)) throw new Error(`another nibox serves ${path}: stop that first, or take another prefix`);
  await unlink(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
  });
  // Node binds within listen(), so that the socket is never open to others, not even until chmod.
  const mask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  await once(server, 'listening');
  if (gid !== undefined) await chown(path, -1, gid);
  await chmod(path, gid === undefined ? 0o600 : 0o660);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
