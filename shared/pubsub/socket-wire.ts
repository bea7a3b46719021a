import { connect, type Socket } from 'node:net';
import type { Wire, WireEvents } from './wire.ts';

/** Bytes that the kernel did not take yet; with more the wire is full. Mostly shared between the subscribers of a topic. */
const HIGH_WATER_BYTES = 256 * 1024;

/** A wire over a connected stream socket. */
export function socketWire(socket: Socket): Wire {
  let events: WireEvents | null = null;
  let failure: Error | undefined;
  // From the start: an error event that nobody hears ends the process.
  socket.on('error', error => {
    failure = error;
  });
  socket.on('close', () => events?.onClose(failure));
  return {
    attach(owner) {
      events = owner;
      if (socket.closed) process.nextTick(() => owner.onClose(failure));
      socket.on('data', (bytes: Buffer) => owner.onBytes(bytes));
      socket.on('drain', () => owner.onDrain());
      // A side that says no more has left; waiting for what it might still read would keep the socket for ever.
      socket.on('end', () => socket.destroy());
    },
    send(bytes) {
      if (socket.destroyed || socket.writableEnded) return true;
      // Node tells `drain` only after a write that it called too much, which every write over our limit is.
      return socket.write(bytes) || socket.writableLength <= HIGH_WATER_BYTES;
    },
    close() {
      socket.end();
    },
    destroy() {
      socket.destroy();
    },
  };
}

/** Connects to a listening Unix socket. Rejects with the system's error (ENOENT, ECONNREFUSED, EACCES, ...). */
export function connectUnix(path: string): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socketWire(socket));
    });
  });
}
