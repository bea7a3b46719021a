import type { WebSocket } from 'ws';
import type { Wire, WireEvents } from './wire.ts';

/** As for sockets; what `ws` holds beyond it makes the wire full. */
const HIGH_WATER_BYTES = 256 * 1024;

/**
 * For a client, straight after `new WebSocket(...)`: the first message may come in the same breath as `open`, and must not be
 * missed. Rejects when it can't be opened.
 */
export function openWebSocket(socket: WebSocket): Promise<Wire> {
  const wire = webSocketWire(socket);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(wire));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the WebSocket was closed before it was open')));
  });
}

/**
 * A wire over a WebSocket that a server has just accepted, of the `ws` package (named as a type only: the manager bundles none of
 * it). Each write is one binary message; make the server with `perMessageDeflate: false` and a `maxPayload` of 17 MiB.
 */
export function webSocketWire(socket: WebSocket): Wire {
  let events: WireEvents | null = null;
  let failure: Error | undefined;
  let isFull = false;
  const early: Buffer[] = [];
  socket.binaryType = 'nodebuffer';
  socket.on('error', error => {
    failure = error;
  });
  socket.on('message', (bytes: Buffer) => {
    if (events) events.onBytes(bytes);
    else early.push(bytes);
  });
  socket.on('close', () => events?.onClose(failure));
  const sent = () => {
    if (!isFull || socket.bufferedAmount > HIGH_WATER_BYTES / 2) return;
    isFull = false;
    events?.onDrain();
  };
  return {
    attach(owner) {
      events = owner;
      const { readyState, CLOSED } = socket;
      process.nextTick(() => {
        for (const bytes of early.splice(0)) owner.onBytes(bytes);
        if (readyState === CLOSED) owner.onClose(failure);
      });
    },
    send(bytes) {
      if (socket.readyState !== socket.OPEN) return true;
      socket.send(bytes, { binary: true }, sent);
      isFull = socket.bufferedAmount > HIGH_WATER_BYTES;
      return !isFull;
    },
    close() {
      socket.close();
    },
    destroy() {
      socket.terminate();
    },
  };
}
