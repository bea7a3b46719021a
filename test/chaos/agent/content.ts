import { createHash } from 'node:crypto';

/** TCP port of the slow web servers. */
export const DRIP_PORT = 8088;
/** Bytes in one piece and milliseconds between two: a download is under way all its time, at a cost that nobody notices. */
export const CHUNK_BYTES = 2048;
export const CHUNK_MS = 100;
/** Pieces in one download: half a minute. */
export const CHUNKS = 300;

/** A piece of what a server of that name serves: no two pieces and no two servers give the same. */
export function chunk(server: string, index: number): Buffer {
  return Buffer.alloc(CHUNK_BYTES, `${server} ${index}\n`);
}

/** SHA-256 of a whole download, hexadecimal. */
export function checksum(server: string): string {
  const hash = createHash('sha256');
  for (let index = 0; index < CHUNKS; index += 1) hash.update(chunk(server, index));
  return hash.digest('hex');
}
