import { execFile } from 'node:child_process';
import type { Log } from '../../shared/log/log.ts';

/** systemd-notify takes some 5 ms; a busy device takes longer. */
const TIMEOUT_MS = 10_000;

export interface NotifierOptions {
  log: Log;
  /** False: something hangs, and systemd shall start nibox anew. */
  isMoving: () => boolean;
  /** One line for `systemctl status`. */
  status: () => string;
}

/**
 * Tells systemd how nibox fares, by its program: Node has no datagram sockets of Unix. Does nothing where no systemd listens. What
 * systemd told of its sockets is taken out of the environment: no child may speak for nibox.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #socket: string | undefined;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: NotifierOptions, env: NodeJS.ProcessEnv = process.env) {
    this.#options = options;
    this.#socket = env.NOTIFY_SOCKET;
    const isOurs = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === `${process.pid}`;
    this.#intervalMs = isOurs ? Number(env.WATCHDOG_USEC ?? 0) / 1000 / 2 : 0;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC']) delete env[name];
  }

  /** In service. From now on systemd expects to hear of it. */
  async ready(): Promise<void> {
    await this.#send('READY=1');
    if (this.#intervalMs > 0) this.#timer = setInterval(() => this.#beat(), this.#intervalMs);
  }

  async stopping(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#send('STOPPING=1');
  }

  #beat(): void {
    if (this.#options.isMoving()) void this.#send('WATCHDOG=1');
    else this.#options.log.error({}, 'nibox does not get on: systemd is to start it anew');
  }

  #send(state: string): Promise<void> {
    const { log, status } = this.#options;
    if (this.#socket === undefined) return Promise.resolve();
    const env = { PATH: process.env.PATH, NOTIFY_SOCKET: this.#socket };
    return new Promise(resolve => {
      execFile('systemd-notify', [state, `--status=${status()}`], { env, timeout: TIMEOUT_MS }, error => {
        if (error) log.warn({ err: error }, `systemd could not be told ${state}`);
        resolve();
      });
    });
  }
}
