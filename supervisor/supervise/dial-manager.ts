import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { connectUnix, type Wire } from '../../shared/pubsub/index.ts';

/** Not among Node's constants: a descriptor of the file itself, of a socket too. */
const O_PATH = 0o10_000_000;

/**
 * Connects to a socket in a directory that belongs to the network instance. Only to one of its uid, and never through a link: it
 * may have been taken over, and what root may connect to is more than what it may. Rejects with the system's error as well.
 */
export async function dialManager(path: string, uid: number): Promise<Wire> {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    const found = fstatSync(fd);
    if (!found.isSocket() || found.uid !== uid) throw new Error(`${path} is no socket of uid ${uid}; it is left alone`);
    return await connectUnix(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}
