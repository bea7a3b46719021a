import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { checksum, DRIP_PORT } from './content.ts';
import type { DownloadEnd, DownloadTask } from './messages.ts';

const CONNECT_MS = 10_000;
/** Longer than any repair takes; TCP itself would wait for a quarter of an hour. */
const STALL_MS = 60_000;

/** One download to its end, good or bad. */
export function download({ networkInstance, address, server }: DownloadTask): Promise<DownloadEnd> {
  return new Promise(resolve => {
    const began = Date.now();
    const hash = createHash('sha256');
    let bytes = 0;
    let last = began;
    let longestGap = 0;
    let timer = setTimeout(() => fail(`no answer within ${CONNECT_MS / 1000} s`), CONNECT_MS);
    const asked = get({ host: address, port: DRIP_PORT, path: '/', agent: false }, response => {
      response.on('data', (data: Buffer) => {
        const now = Date.now();
        longestGap = Math.max(longestGap, now - last);
        last = now;
        bytes += data.length;
        hash.update(data);
        clearTimeout(timer);
        timer = setTimeout(() => fail(`no byte for ${STALL_MS / 1000} s`), STALL_MS);
      });
      response.on('end', () => end(response.complete ? wrongContent() : 'ended early'));
      response.on('error', error => fail(error.message));
    });
    asked.on('error', error => fail(error.message));

    function wrongContent(): string | null {
      return hash.digest('hex') === checksum(server) ? null : `wrong content, ${bytes} bytes`;
    }
    function fail(problem: string): void {
      asked.destroy();
      end(problem);
    }
    function end(problem: string | null): void {
      clearTimeout(timer);
      const ended = Date.now();
      longestGap = Math.max(longestGap, ended - last);
      resolve({
        kind: 'download',
        networkInstance,
        began,
        ended,
        established: bytes > 0,
        bytes,
        longestGap,
        problem,
      });
    }
  });
}
