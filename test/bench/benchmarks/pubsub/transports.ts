import { jsonLines } from './json-lines.ts';
import { nats } from './nats.ts';
import { nibox } from './nibox.ts';
import { rawSocket } from './raw-socket.ts';
import { redis } from './redis.ts';
import type { Transport } from './transport.ts';

export const transports: readonly Transport[] = [nibox, rawSocket, jsonLines, nats, redis];

/** Throws when there is none of that name. */
export function transportOf(name: string): Transport {
  const found = transports.find(transport => transport.name === name);
  if (!found) throw new Error(`no transport has the name ${JSON.stringify(name)}`);
  return found;
}
