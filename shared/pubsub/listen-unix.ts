import { chmodSync, chownSync, lstatSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { silentLog } from '../log/log.ts';
import { PubsubError } from './errors.ts';
import { type AcceptOptions, acceptWire, type Peer } from './peer.ts';
import { socketWire } from './socket-wire.ts';

/** Bytes in sockaddr_un.sun_path, less the final zero. */
const MAX_PATH_BYTES = 107;
const DEFAULT_MODE = 0o600;
/** At once: a client that opens more gets a closed connection. Keeps one NI from using up the descriptors. */
const DEFAULT_MAX_CONNECTIONS = 64;

export interface ListenOptions extends AcceptOptions {
  path: string;
  /** Default 0600. */
  mode?: number;
  uid?: number;
  gid?: number;
  maxConnections?: number;
  /**
   * A directory on the same filesystem where the socket is prepared; default: beside it. Give one that only root can write to
   * when the socket's own directory is somebody else's, who could put links under our hands.
   */
  staging?: string;
  /** A connection whose hello was accepted. */
  onPeer?: (peer: Peer) => void;
}

/** A Unix socket that serves pubsub. */
export class Listener {
  readonly path: string;
  readonly peers: ReadonlySet<Peer>;
  readonly #server: Server;
  readonly #inode: bigint;

  constructor(path: string, peers: ReadonlySet<Peer>, server: Server) {
    this.path = path;
    this.peers = peers;
    this.#server = server;
    this.#inode = inodeOf(path);
  }

  /** Removes the socket, unless it is another one by now, ends all connections after what was published, and waits for that. */
  async close(): Promise<void> {
    if (inodeOf(this.path) === this.#inode) rmSync(this.path, { force: true });
    const ended = new Promise<void>(resolve => this.#server.close(() => resolve()));
    for (const peer of this.peers) peer.close();
    await ended;
  }
}

/**
 * Serves pubsub on a Unix socket. A socket file that nobody answers on is replaced. Owner and mode are set before the socket is
 * reachable: it is made in a directory that nobody else can enter, and renamed. Throws ERR_ADDRESS_IN_USE, ERR_BAD_PATH.
 */
export async function listenUnix(options: ListenOptions): Promise<Listener> {
  const { path } = options;
  await mustBeFree(path);
  const privateDirectory = mkdtempSync(join(options.staging ?? dirname(path), '.s'));
  try {
    const hidden = join(privateDirectory, 's');
    mustFit(hidden);
    const peers = new Set<Peer>();
    const server = createServer(socket => {
      const peer = acceptWire(socketWire(socket), options);
      peers.add(peer);
      peer.on('hello', () => options.onPeer?.(peer));
      peer.on('closed', () => peers.delete(peer));
    });
    server.maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
    await listen(server, hidden);
    try {
      chmodSync(hidden, options.mode ?? DEFAULT_MODE);
      if (options.uid !== undefined || options.gid !== undefined)
        chownSync(hidden, options.uid ?? -1, options.gid ?? -1);
      renameSync(hidden, path);
      const log = options.log ?? silentLog;
      server.on('error', error => log.error({ path, reason: error.message }, 'a connection could not be accepted'));
      return new Listener(path, peers, server);
    } catch (error) {
      server.close();
      throw error;
    }
  } finally {
    rmSync(privateDirectory, { recursive: true, force: true });
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function mustFit(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= MAX_PATH_BYTES) return;
  const problem = `the socket path ${path} has ${length} bytes, Linux takes ${MAX_PATH_BYTES}: choose a shorter directory`;
  throw new PubsubError('ERR_BAD_PATH', problem);
}

/** Nothing there, or a socket that nobody listens on any more. */
async function mustBeFree(path: string): Promise<void> {
  mustFit(path);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isSocket()) throw new PubsubError('ERR_BAD_PATH', `${path} exists and is no socket; it is left alone`);
  const answer = await new Promise<string>(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  // Anything else, a full backlog (EAGAIN) for one, means that somebody is there.
  if (answer === 'ECONNREFUSED' || answer === 'ENOENT') return;
  throw new PubsubError('ERR_ADDRESS_IN_USE', `another process listens on ${path} (${answer})`);
}

function inodeOf(path: string): bigint {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}
