import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './proc.ts';
import type { ProcessRecord } from './processes.ts';
import type { Service } from './services.ts';

/** Milliseconds for all servers to listen; a loaded machine with ten worlds takes seconds. */
const listenTimeoutMs = 20_000;

/** Waits until a service listens. Throws, with what it logged, when it dies or takes too long. */
export async function untilListening(service: Service, record: ProcessRecord): Promise<void> {
  const deadline = Date.now() + listenTimeoutMs;
  const { listens } = service;
  while (listens && !(await hasSocket(record.pid, listens))) {
    if (!(await isAlive(record))) throw new Error(`${service.name} ended at once: ${await tail(record.log)}`);
    if (Date.now() > deadline) throw new Error(`${service.name} does not listen: ${await tail(record.log)}`);
    await sleep(10);
  }
}

/** Looks in the process's namespace from outside: its /proc/PID/net is that namespace's. */
async function hasSocket(pid: number, { protocol, port, address }: NonNullable<Service['listens']>): Promise<boolean> {
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map(table => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  );
  return socketsOf(tables.join('\n')).some(
    socket =>
      socket.port === port &&
      (protocol === 'udp' || socket.listening) &&
      (!address || socket.address.endsWith(littleEndianHex(address))),
  );
}

function socketsOf(table: string): { address: string; port: number; listening: boolean }[] {
  return [...table.matchAll(/^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2})/gm)].map(
    ([, address = '', port = '', state]) => ({ address, port: Number.parseInt(port, 16), listening: state === '0A' }),
  );
}

/** The kernel prints an address as a word in the machine's byte order; all machines nibox runs on are little endian. */
function littleEndianHex(address: string): string {
  const bytes = address.split('.').reverse();
  return bytes
    .map(byte => Number(byte).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

async function tail(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trim().slice(-500) || '(it logged nothing)';
}
