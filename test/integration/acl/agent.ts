/** Runs inside one namespace of the ACL world: opens, answers and counts flows as told by JSON lines on standard input. */
import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer, type Socket as TcpSocket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';

export type Command =
  | { op: 'serveTcp'; port: number }
  | { op: 'serveUdp'; port: number }
  | { op: 'received' }
  | { op: 'connect'; to: string; port: number; localPort?: number; timeoutMs: number }
  | { op: 'open'; to: string; port: number }
  | { op: 'exchange'; stream: number; timeoutMs: number }
  | { op: 'udp'; to: string; port: number; localPort?: number; count: number }
  | { op: 'askUdp'; to: string; port: number; timeoutMs: number }
  | { op: 'burst'; flows: { protocol: 'tcp' | 'udp'; to: string; port: number; localPort: number }[] };

const received: string[] = [];
const streams: TcpSocket[] = [];
const sockets = new Map<string, Socket>();
const isIpv6 = (address: string) => address.includes(':');

async function obey(command: Command): Promise<unknown> {
  switch (command.op) {
    case 'serveTcp':
      return await new Promise((resolve, reject) => {
        const server = createServer(socket => {
          received.push(`tcp ${socket.remoteAddress?.replace(/^::ffff:/, '')} ${command.port}`);
          socket.on('error', () => {});
          socket.pipe(socket);
        });
        server.on('error', reject);
        server.listen(command.port, '::', () => resolve(true));
      });
    case 'serveUdp':
      // One socket per address: an answer must come from the address that was asked.
      for (const { address, scopeid } of Object.values(networkInterfaces()).flatMap(list => list ?? [])) {
        if (scopeid) continue;
        const socket = createSocket(isIpv6(address) ? 'udp6' : 'udp4');
        socket.on('message', (message, from) => {
          received.push(`udp ${from.address} ${command.port}`);
          socket.send(message, from.port, from.address);
        });
        await new Promise<void>(resolve => socket.bind(command.port, address, resolve));
      }
      return true;
    case 'received':
      return received.splice(0);
    case 'connect':
      return await new Promise(resolve => {
        const socket = connect({
          host: command.to,
          port: command.port,
          ...(command.localPort !== undefined && { localPort: command.localPort }),
        });
        const end = (result: string) => {
          clearTimeout(timer);
          // Nothing of it is repeated later, when something else is being counted.
          if (socket.connecting) socket.destroy();
          else socket.resetAndDestroy();
          resolve(result);
        };
        const timer = setTimeout(() => end('silence'), command.timeoutMs);
        socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
        socket.on('connect', () => socket.write('?'));
        socket.on('data', () => end('answered'));
      });
    case 'open':
      return await new Promise((resolve, reject) => {
        const socket = connect({ host: command.to, port: command.port });
        socket.on('error', reject);
        socket.on('connect', () => resolve(streams.push(socket) - 1));
      });
    case 'exchange':
      return await new Promise(resolve => {
        const socket = streams[command.stream]!;
        const timer = setTimeout(() => resolve('silence'), command.timeoutMs);
        socket.once('data', () => {
          clearTimeout(timer);
          resolve('answered');
        });
        socket.write('?');
      });
    case 'udp': {
      const socket = await udpSocket(command.to, command.localPort ?? 0);
      for (let i = 0; i < command.count; i++) await sendUdp(socket, command.to, command.port);
      return true;
    }
    case 'askUdp':
      return await new Promise(resolve => {
        const socket = createSocket(isIpv6(command.to) ? 'udp6' : 'udp4');
        const end = (result: string) => {
          clearTimeout(timer);
          socket.close();
          resolve(result);
        };
        const timer = setTimeout(() => end('silence'), command.timeoutMs);
        socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
        socket.on('message', () => end('answered'));
        socket.send('?', command.port, command.to);
      });
    case 'burst':
      for (const flow of command.flows) {
        if (flow.protocol === 'udp') await sendUdp(await udpSocket(flow.to, flow.localPort), flow.to, flow.port);
        else await sendSyn(flow);
      }
      return true;
  }
}

async function udpSocket(to: string, localPort: number): Promise<Socket> {
  const key = `${isIpv6(to)} ${localPort}`;
  let socket = sockets.get(key);
  if (!socket || localPort === 0) {
    const bound = createSocket({ type: isIpv6(to) ? 'udp6' : 'udp4', ipv6Only: isIpv6(to) });
    await new Promise<void>((resolve, reject) => {
      bound.once('error', reject);
      bound.bind(localPort, resolve);
    });
    bound.on('error', () => {});
    socket = bound;
    socket.setBroadcast(true);
    sockets.set(key, socket);
  }
  return socket;
}

function sendUdp(socket: Socket, to: string, port: number): Promise<void> {
  return new Promise(resolve => socket.send('?', port, to, () => resolve()));
}

/** One SYN, then the socket goes: the kernel sends no second one. */
function sendSyn({ to, port, localPort }: { to: string; port: number; localPort: number }): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ host: to, port, localPort });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    setTimeout(() => socket.destroy(), 2);
  });
}

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line) as { id: number; command: Command };
  obey(command).then(
    result => process.stdout.write(`${JSON.stringify({ id, result })}\n`),
    (error: Error) => process.stdout.write(`${JSON.stringify({ id, error: error.message })}\n`),
  );
}
process.exit(0);
