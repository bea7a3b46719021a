import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess, isRunning, type ProcessIdentity } from '../../shared/kernel/process-identity.ts';

/** How an own child ended. Of an adopted process nobody but its parent learns that: both null. */
export interface ProcessExit {
  pid: number;
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** How often an adopted process is looked at; it is nobody's child here, so there is no event. */
const ADOPTED_POLL_MS = 1_000;
/** How often while somebody waits for its end. */
const STOPPING_POLL_MS = 20;
const STOP_TIMEOUT_MS = 5_000;

/** A program that outlives this process: own session, output to a file, and it can be taken over by its identity. */
export class DaemonProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when the process has ended, whatever the reason. */
  readonly exited: Promise<ProcessExit>;
  /** Null: adopted. */
  readonly #child: ChildProcess | null;

  private constructor(identity: ProcessIdentity, exited: Promise<ProcessExit>, child: ChildProcess | null) {
    this.identity = identity;
    this.exited = exited;
    this.#child = child;
  }

  /** Starts a program with its output in a file. Throws when it can't be started or has ended at once. */
  static async start(
    file: string,
    args: readonly string[],
    outputFile: string,
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<DaemonProcess> {
    const output = openSync(outputFile, 'w', 0o600);
    try {
      const child = spawn(file, args, { detached: true, stdio: ['ignore', output, output], env });
      const exited = new Promise<ProcessExit>(resolve => {
        child.once('exit', (code, signal) => resolve({ pid: child.pid ?? 0, code, signal }));
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.unref(); // it may outlive us
      const identity = identifyProcess(child.pid ?? 0) ?? { pid: child.pid ?? 0, startTime: 0 };
      return new DaemonProcess(identity, exited, child);
    } finally {
      closeSync(output);
    }
  }

  /** Takes over a process that somebody else started. */
  static adopt(identity: ProcessIdentity): DaemonProcess {
    const exited = new Promise<ProcessExit>(resolve => {
      const timer = setInterval(() => {
        if (isRunning(identity)) return;
        clearInterval(timer);
        resolve({ pid: identity.pid, code: null, signal: null });
      }, ADOPTED_POLL_MS);
      timer.unref();
    });
    return new DaemonProcess(identity, exited, null);
  }

  get isRunning(): boolean {
    return isRunning(this.identity);
  }

  /** Sends a signal unless the process is gone; tells whether it was there. */
  signal(name: NodeJS.Signals): boolean {
    if (!this.isRunning) return false;
    try {
      return process.kill(this.identity.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  /** SIGTERM, and SIGKILL if that doesn't end it. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    if (await this.#isGoneWithin(STOP_TIMEOUT_MS)) return;
    this.signal('SIGKILL');
    if (!(await this.#isGoneWithin(STOP_TIMEOUT_MS))) {
      throw new Error(`process ${this.identity.pid} survived SIGKILL; it probably waits for a disk`);
    }
  }

  async #isGoneWithin(milliseconds: number): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    while (this.isRunning) {
      if (Date.now() > deadline) return false;
      await sleep(STOPPING_POLL_MS);
    }
    if (this.#child) {
      this.#child.ref(); // the event is still to come
      await this.exited;
    }
    return true;
  }
}
