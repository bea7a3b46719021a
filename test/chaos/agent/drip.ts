import { createServer } from 'node:http';
import { CHUNK_MS, CHUNKS, chunk, DRIP_PORT } from './content.ts';

/** A web server that gives a download piece by piece, whatever is asked for. */
export function serveDrip(name: string, onListening: () => void): void {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    let index = 0;
    const timer = setInterval(() => {
      response.write(chunk(name, index));
      index += 1;
      if (index < CHUNKS) return;
      clearInterval(timer);
      response.end();
    }, CHUNK_MS);
    response.on('close', () => clearInterval(timer));
  });
  server.requestTimeout = 0;
  server.listen(DRIP_PORT, onListening);
}
