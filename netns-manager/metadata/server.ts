import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Log } from '../../shared/log/log.ts';
import { METADATA_ADDRESS } from './address.ts';
import type { Answer, MetadataSources } from './caller.ts';
import { pages } from './pages.ts';

const METADATA_PORT = 80;
/** For reading a request and for writing its answer, as in EVE. */
const TIMEOUT_MS = 5_000;
/** Until a connection ends, whatever it does: reading plus writing. */
const LIFETIME_MS = 2 * TIMEOUT_MS;
/** The address may come after us (bridge not made yet) or be taken away for a while. */
const BIND_RETRY_MS = 2_000;
const MAX_CONNECTIONS = 128;
/** So that one app can't take all connections from the others. */
const MAX_CONNECTIONS_PER_CALLER = 16;
const MAX_HEADER_BYTES = 8_192;

export interface MetadataServerOptions extends MetadataSources {
  log: Log;
  address?: string;
  /** 0: any free one, see `port`. */
  port?: number;
  /** It can be asked now. */
  onListening?: () => void;
}

/** Tells apps who and where they are. One per NI, inside its namespace. */
export class MetadataServer {
  readonly #options: MetadataServerOptions;
  readonly #server: Server;
  readonly #sockets = new Map<Socket, string>();
  #retry: NodeJS.Timeout | null = null;
  #state: 'closed' | 'waiting' | 'listening' = 'closed';

  constructor(options: MetadataServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: TIMEOUT_MS,
        requestTimeout: TIMEOUT_MS,
        connectionsCheckingInterval: 1_000,
        keepAliveTimeout: 1,
      },
      (request, response) => this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(TIMEOUT_MS);
    this.#server.on('connection', socket => this.#admit(socket));
    this.#server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    this.#server.on('listening', () => {
      this.#state = 'listening';
      this.#options.log.info({ address: this.#server.address() }, 'metadata server listens');
      this.#options.onListening?.();
    });
    this.#server.on('error', error => this.#failed(error));
  }

  /** The port that it listens on; null while the address is not there. */
  get port(): number | null {
    return (this.#server.address() as AddressInfo | null)?.port ?? null;
  }

  get isListening(): boolean {
    return this.#state === 'listening';
  }

  /** Starts listening, now or as soon as the address is there. */
  start(): void {
    if (this.#state !== 'closed') return;
    this.#state = 'waiting';
    this.#listen();
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    const wasListening = this.#state === 'listening';
    this.#state = 'closed';
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    for (const socket of this.#sockets.keys()) socket.destroy();
    if (wasListening) await new Promise(resolve => this.#server.close(resolve));
    else if (this.#server.listening) this.#server.close();
  }

  #listen(): void {
    this.#server.listen({ host: this.#options.address ?? METADATA_ADDRESS, port: this.#options.port ?? METADATA_PORT });
  }

  #failed(error: Error): void {
    if (this.#state === 'closed') return;
    const isFirst = this.#retry === null;
    const log = this.#options.log;
    if (isFirst) log.warn({ error: error.message }, 'metadata server can not listen yet, trying again');
    this.#state = 'waiting';
    this.#retry = setTimeout(() => this.#listen(), BIND_RETRY_MS);
  }

  #admit(socket: Socket): void {
    const caller = socket.remoteAddress ?? '';
    const open = [...this.#sockets.values()].filter(address => address === caller).length;
    if (open >= MAX_CONNECTIONS_PER_CALLER || this.#state === 'closed') {
      socket.destroy();
      return;
    }
    this.#sockets.set(socket, caller);
    const end = setTimeout(() => socket.destroy(), LIFETIME_MS);
    socket.on('close', () => {
      clearTimeout(end);
      this.#sockets.delete(socket);
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume(); // a body is of no use, and must not stop the answer
    const answer = this.#answerTo(request);
    response.writeHead(answer.status, {
      Connection: 'close',
      'Cache-Control': 'no-store',
      ...(answer.status === 405 && { Allow: 'GET' }),
      ...(answer.status !== 204 && {
        'Content-Type': answer.contentType,
        'Content-Length': Buffer.byteLength(answer.body),
      }),
    });
    response.end(answer.status === 204 ? undefined : answer.body);
  }

  #answerTo(request: IncomingMessage): Answer {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const page = pages.get(path);
    if (!page) return { status: 404, contentType: 'text/plain', body: 'not found\n' };
    if (request.method !== 'GET') return { status: 405, contentType: 'text/plain', body: 'only GET\n' };
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    try {
      return page({ address: remoteAddress, port: remotePort }, this.#options);
    } catch (error) {
      this.#options.log.error({ path, error: String(error) }, 'metadata page failed');
      return { status: 500, contentType: 'text/plain', body: 'internal error\n' };
    }
  }
}
