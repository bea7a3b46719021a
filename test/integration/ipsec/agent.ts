import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TunnelDevice } from '../../../netns-manager/ipsec/tunnel-device.ts';
import type { VpnCredentials, VpnStatus, VpnTunnel, VpnTunnelStatus } from '../../../shared/proto/messages.ts';
import type { AgentRequest } from './agent-main.ts';

/** A process in a namespace that owns an Ipsec, as a manager does. */
export class Agent {
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  /** `enter` runs what follows it in the place where charon is to live; the program is agent-main.ts, bundled. */
  constructor(enter: string[], program: string[], directory: string) {
    mkdirSync(directory, { recursive: true });
    this.directory = directory;
    const [file, ...args] = [...enter, process.execPath, ...program, directory];
    this.#process = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout! }).on('line', line => {
      const { id, result, error } = JSON.parse(line);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result as never);
      else waiting?.reject(new Error(error));
    });
  }

  /** The pid of the charon that was adopted. */
  adopt(): Promise<number | null> {
    return this.#ask({ method: 'adopt' });
  }

  apply(tunnels: VpnTunnel[], credentials: VpnCredentials[], localAddress: string): Promise<string> {
    return this.#ask({ method: 'apply', wanted: { tunnels, credentials, localAddress } });
  }

  status(): Promise<VpnStatus> {
    return this.#ask({ method: 'status' });
  }

  async tunnel(name: string): Promise<VpnTunnelStatus> {
    const { tunnels } = await this.status();
    const tunnel = tunnels.find(tunnel => tunnel.name === name);
    if (!tunnel) throw new Error(`no tunnel ${name}, only: ${tunnels.map(({ name }) => name)}`);
    return tunnel;
  }

  device(tunnel: VpnTunnel): Promise<TunnelDevice> {
    return this.#ask({ method: 'device', tunnel });
  }

  stop(): Promise<void> {
    return this.#ask({ method: 'stop' });
  }

  get socketFile(): string {
    return join(this.directory, 'run', 'charon.vici');
  }

  /** What charon and the agent itself have logged, for failing tests. */
  get logs(): string {
    return ['charon.log', 'agent.log'].map(name => readOrNone(join(this.directory, name))).join('\n');
  }

  /** As a manager that was killed: charon runs on. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  #ask<T>(request: Omit<AgentRequest, 'id'>): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin!.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}

function readOrNone(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
