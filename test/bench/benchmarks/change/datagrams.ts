/**
 * One end of a stream of datagrams, run in a network namespace. Reads from standard input, a line each:
 *   listen ADDRESS PORT   answers `listening`, and `arrived NANOSECONDS` for the first datagram
 *   send ADDRESS PORT     sends one each millisecond from now on; answers `sending`
 *   stop                  sends no more, listens no more; answers `stopped`
 * The nanoseconds are of the monotonic clock, which is one for all processes.
 */
import { createSocket, type Socket } from 'node:dgram';
import { createInterface } from 'node:readline';

const EVERY_MS = 1;

let socket: Socket | null = null;
let timer: NodeJS.Timeout | null = null;

createInterface({ input: process.stdin }).on('line', line => {
  const [verb, address = '', port = ''] = line.split(' ');
  if (verb === 'listen') listen(address, Number(port));
  else if (verb === 'send') send(address, Number(port));
  else stop();
});
process.stdin.on('end', () => process.exit(0));

function listen(address: string, port: number): void {
  const receiver = createSocket('udp4');
  socket = receiver;
  receiver.once('message', () => console.log(`arrived ${process.hrtime.bigint()}`));
  receiver.bind(port, address, () => console.log('listening'));
}

function send(address: string, port: number): void {
  const sender = createSocket('udp4');
  socket = sender;
  timer = setInterval(() => sender.send('x', port, address), EVERY_MS);
  console.log('sending');
}

function stop(): void {
  if (timer) clearInterval(timer);
  socket?.close(() => console.log('stopped'));
  socket = null;
}
