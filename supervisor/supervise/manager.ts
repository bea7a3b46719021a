import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../../shared/log/log.ts';
import { MANAGER_LOG, type ManagerOptions } from '../../shared/manager/options.ts';
import type { InstanceNamespace } from '../namespaces/namespaces.ts';

const RESTART = { firstMs: 100, mostMs: 30_000, jitter: 0.2 };
/** After that much time in service a death is followed by a restart at once. */
const STABLE_MS = 10_000;
/** For a manager that was adopted: no child of ours, so its end makes no event beside its socket's. */
const WATCH_ADOPTED_MS = 1_000;
const STOP_MS = 5_000;

export type ManagerState = 'starting' | 'running' | 'waiting' | 'stopped';

export interface ManagerProcessOptions {
  manager: ManagerOptions;
  /** The manager's bundle, readable by everybody. */
  code: string;
  namespace: InstanceNamespace;
  log: Log;
  onChange: () => void;
}

/** One NI's manager process: spawned in its namespace, restarted when it dies, taken over when it already runs. */
export class Manager {
  readonly #options: ManagerProcessOptions;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delay = RESTART.firstMs;
  #startedAt = 0;
  #wanted = false;
  pid: number | null = null;
  state: ManagerState = 'stopped';
  restarts = 0;

  constructor(options: ManagerProcessOptions) {
    this.#options = options;
  }

  /** Seconds since its start or adoption. */
  get uptime(): number {
    return this.pid === null ? 0 : Math.round((Date.now() - this.#startedAt) / 1000);
  }

  start(): void {
    this.#wanted = true;
    if (this.pid === null && !this.#timer) this.#spawn();
  }

  /** Takes over a running manager; its pid comes from its own hello on its own socket. */
  adopt(pid: number): void {
    this.#wanted = true;
    this.pid = pid;
    this.state = 'running';
    this.#startedAt = Date.now();
    const timer = setInterval(() => {
      if (this.pid !== pid) clearInterval(timer);
      else if (!alive(pid)) {
        clearInterval(timer);
        this.#died('ended while it was adopted');
      }
    }, WATCH_ADOPTED_MS);
    timer.unref();
    this.#options.onChange();
  }

  /** It connected and was heard: it is in service. */
  ready(): void {
    if (this.state === 'starting') this.state = 'running';
    this.#options.onChange();
  }

  /** Ends the process; it is not restarted. With services: dnsmasq and the like too. */
  async stop(withServices: boolean): Promise<void> {
    this.#wanted = false;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#end(withServices ? 'SIGUSR2' : 'SIGTERM');
    this.state = 'stopped';
  }

  /** A restart that was asked for. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    this.#wanted = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.pid === null) this.#spawn();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this;
    if (pid === null) return;
    const until = Date.now() + STOP_MS;
    kill(pid, signal);
    while (this.pid === pid && alive(pid)) {
      if (Date.now() > until) kill(-pid, 'SIGKILL');
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    if (this.pid === pid) this.pid = null;
  }

  #spawn(): void {
    const { manager, code, namespace, log } = this.#options;
    mkdirSync(dirname(manager.logDirectory), { recursive: true, mode: 0o755 });
    mkdirSync(manager.logDirectory, { recursive: true, mode: 0o700 });
    chownSync(manager.logDirectory, namespace.uid, namespace.uid);
    // A file, never a pipe of ours: a pipe whose reader is gone would end it.
    const output = openSync(join(manager.logDirectory, MANAGER_LOG), 'a', 0o600);
    chownSync(join(manager.logDirectory, MANAGER_LOG), namespace.uid, namespace.uid);
    const [file, ...args] = enterCommand(namespace, [
      process.execPath,
      '--max-semi-space-size=1',
      code,
      JSON.stringify(manager),
    ]);
    const child = spawn(file!, args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', output, output],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    closeSync(output);
    child.unref();
    this.#child = child;
    this.pid = child.pid ?? null;
    this.state = 'starting';
    this.#startedAt = Date.now();
    child.on('error', error => this.#died(`could not be started: ${error.message}`));
    child.on('exit', (exitCode, signal) => {
      if (this.#child === child) this.#died(signal ? `was ended by ${signal}` : `exited with ${exitCode}`);
    });
    log.info({ ni: manager.name, manager: this.pid }, 'manager spawned');
    this.#options.onChange();
  }

  #died(reason: string): void {
    const { log, manager, onChange } = this.#options;
    const ran = Date.now() - this.#startedAt;
    this.#child = null;
    this.pid = null;
    if (!this.#wanted) {
      this.state = 'stopped';
      return;
    }
    const delay = ran >= STABLE_MS ? 0 : this.#delay * (1 + RESTART.jitter * (2 * Math.random() - 1));
    this.#delay = ran >= STABLE_MS ? RESTART.firstMs : Math.min(this.#delay * 2, RESTART.mostMs);
    this.state = 'waiting';
    this.restarts += 1;
    log.warn({ ni: manager.name, reason, delay: Math.round(delay) }, `manager of ${manager.name} ${reason}; restarted`);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#wanted) this.#spawn();
    }, delay);
    onChange();
  }
}

/** How to run a command as the root of a network instance's namespaces. */
export function enterCommand(namespace: InstanceNamespace, command: readonly string[]): string[] {
  if (namespace.userPath) {
    const enter = [
      'nsenter',
      `--user=${namespace.userPath}`,
      `--net=${namespace.netPath}`,
      '--setuid',
      '0',
      '--setgid',
      '0',
      '--',
    ];
    return [...enter, ...command];
  }
  const capabilities = '-all,+net_admin,+net_raw,+net_bind_service,+setuid,+setgid,+kill';
  const drop = ['setpriv', `--bounding-set=${capabilities}`, `--inh-caps=-all`, '--no-new-privs', '--'];
  return ['nsenter', `--net=${namespace.netPath}`, '--', ...drop, ...command];
}

function alive(pid: number): boolean {
  return kill(pid, 0);
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
