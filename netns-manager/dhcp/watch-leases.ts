import { watch } from 'node:fs';
import { join } from 'node:path';
import { type Lease, parseLeases, readLeaseFile } from './leases.ts';
import { LEASE_FILE } from './render.ts';

/** One change of the lease file makes several events: emptied, written, flushed. */
const DEBOUNCE_MS = 50;

/**
 * Tells the leases of a dnsmasq's directory at once and whenever they change. The directory must exist. Give the returned
 * function a call to stop.
 */
export function watchLeases(
  directory: string,
  callback: (leases: Lease[]) => void,
  onError: (error: Error) => void,
): () => void {
  let closed = false;
  let reading = false;
  let again = false;
  let last: string | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function read(): Promise<void> {
    reading = true;
    do {
      again = false;
      const text = await readLeaseFile(join(directory, LEASE_FILE));
      if (closed || text === last) continue;
      last = text;
      callback(parseLeases(text));
    } while (again && !closed);
    reading = false;
  }

  function trigger(): void {
    timer = null;
    if (reading) again = true;
    else
      read().catch((error: Error) => {
        reading = false;
        if (!closed) onError(error);
      });
  }

  const watcher = watch(directory, (_event, filename) => {
    if (filename !== null && filename !== LEASE_FILE) return;
    timer ??= setTimeout(trigger, DEBOUNCE_MS);
  });
  watcher.on('error', onError);
  trigger();
  return () => {
    closed = true;
    watcher.close();
    if (timer) clearTimeout(timer);
  };
}
