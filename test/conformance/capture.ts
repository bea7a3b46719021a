import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../world/index.ts';
import { patience } from './patience.ts';

/** A packet as tcpdump tells it. */
export interface Packet {
  /** Interface of the namespace that captures. */
  device: string;
  direction: 'in' | 'out';
  source: string;
  /** Absent: a protocol without ports. */
  sourcePort?: number;
  destination: string;
  destinationPort?: number;
}

/** Milliseconds for a packet to come out of tcpdump after it passed. */
const latencyMs = 1_500 * patience;
const startTimeoutMs = 10_000 * patience;

/** Headers only: with whole packets the kernel's buffer has room for a handful, and a burst is lost. */
const tcpdumpOptions = ['-i', 'any', '-n', '-l', '-q', '-t', '--immediate-mode', '-s', '128', '-B', '8192'];

/** A running tcpdump on all interfaces of a namespace. Keeps what it saw; the filter keeps that small. */
export class Capture {
  readonly packets: Packet[] = [];
  readonly #child: ChildProcess;
  #lost = 0;
  #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit');
    createInterface({ input: child.stdout! }).on('line', line => {
      const packet = parsePacket(line);
      if (packet) this.packets.push(packet);
    });
  }

  /** Starts; returns when packets are being seen. */
  static async start(world: World, name: string, filter: string): Promise<Capture> {
    const child = world.spawn(name, 'tcpdump', [...tcpdumpOptions, filter]);
    const capture = new Capture(child);
    await capture.#untilListening();
    return capture;
  }

  /** Waits until a packet that matches was seen; false when none comes. */
  async sees(matches: (packet: Packet) => boolean): Promise<boolean> {
    const deadline = Date.now() + latencyMs;
    while (!this.packets.some(matches)) {
      if (Date.now() > deadline) return false;
      await sleep(20);
    }
    return true;
  }

  /** Packets that the kernel had no room for; known when stopped. */
  get lost(): number {
    return this.#lost;
  }

  /** Ends it, after what is under way has come out. Harmless when it has ended. */
  async stop(): Promise<void> {
    this.#child.kill('SIGINT');
    await this.#ended;
  }

  async #untilListening(): Promise<void> {
    let text = '';
    const listening = new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`tcpdump does not start: ${text.trim()}`));
      const timer = setTimeout(fail, startTimeoutMs);
      this.#child.on('exit', fail);
      this.#child.on('error', fail);
      this.#child.stderr!.on('data', (chunk: Buffer) => {
        text += String(chunk);
        this.#lost = Number(/(\d+) packets? dropped by kernel/.exec(text)?.[1] ?? 0);
        if (!text.includes('listening on')) return;
        clearTimeout(timer);
        resolve();
      });
    });
    await listening.catch((cause: unknown) => {
      this.#child.kill('SIGKILL');
      throw cause;
    });
  }
}

/** Parses `dev0  In  IP 192.168.0.2.40000 > 198.51.100.10.80: tcp 0` and `dev0  B   ARP, Request who-has A tell B, ...`. */
export function parsePacket(line: string): Packet | undefined {
  const [, device, way, rest = ''] = /^(\S+)\s+(In|Out|B|M|P)\s+(.*)$/.exec(line) ?? [];
  if (!device) return undefined;
  const direction = way === 'Out' ? 'out' : 'in';
  const [, target, sender] = /^ARP, Request who-has (\S+?)(?: \(.*?\))? tell (\S+?),/.exec(rest) ?? [];
  if (target && sender) return { device, direction, source: sender, destination: target };
  const [, source, destination] = /^IP (\S+) > (\S+?):/.exec(rest) ?? [];
  if (!source || !destination) return undefined;
  const from = splitPort(source);
  const to = splitPort(destination);
  return {
    device,
    direction,
    source: from.address,
    destination: to.address,
    ...(from.port !== undefined && { sourcePort: from.port }),
    ...(to.port !== undefined && { destinationPort: to.port }),
  };
}

function splitPort(text: string): { address: string; port?: number } {
  const [, address = text, port] = /^(\d+\.\d+\.\d+\.\d+)\.(\d+)$/.exec(text) ?? [];
  return port === undefined ? { address } : { address, port: Number(port) };
}
