import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { identifyProcess, lookAtProcess, type ProcessIdentity } from '../../shared/kernel/process-identity.ts';
import { CODE_MARK, MANAGER_LOG, type ManagerOptions, NI_MARK } from '../../shared/manager/options.ts';
import type { Hello } from '../../shared/proto/messages.ts';
import type { InstanceNamespace } from '../namespaces/namespaces.ts';
import type { InstanceResources } from '../resources/resources.ts';
import { giveLogDirectory, openManagerLog } from './log-directory.ts';
import type { ProcessEnd, ProcessHost } from './manager.ts';
import { managerFlags } from './manager-flags.ts';
import { sealedCommand } from './sealed-command.ts';

export interface ManagerProcessOptions {
  manager: Omit<ManagerOptions, 'version'>;
  namespace: InstanceNamespace;
  /** It may make TUN devices: user-space ESP needs one. */
  tunDevice: boolean;
  resources: InstanceResources;
}

/** Of a log's end: a dozen lines. */
const TAIL_BYTES = 4096;
const TAIL_LINES = 12;

/** Starts one network instance's manager in its namespace, looks at it in /proc, and signals it. */
export class ManagerProcess implements ProcessHost {
  readonly #options: ManagerProcessOptions;

  constructor(options: ManagerProcessOptions) {
    this.#options = options;
  }

  spawn(code: string, version: string, onEnd: (end: ProcessEnd) => void): ProcessIdentity {
    const { manager, namespace, resources } = this.#options;
    giveLogDirectory(manager.logDirectory, namespace.uid);
    // A file, never a pipe of ours: a pipe whose reader is gone would end it.
    const output = openManagerLog(this.#logFile, namespace.uid);
    const told = JSON.stringify({ ...manager, version } satisfies ManagerOptions);
    const node = [process.execPath, ...managerFlags(), code, told];
    const [file, ...args] = resources.command(sealedCommand({ ...this.#options, code }, node));
    let child: ChildProcess;
    try {
      child = spawn(file!, args, {
        cwd: '/',
        detached: true,
        stdio: ['ignore', output, output],
        env: {
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          [NI_MARK]: manager.runDirectory,
          [CODE_MARK]: code,
        },
      });
    } finally {
      closeSync(output);
    }
    child.unref();
    child.once('error', error => onEnd({ code: null, signal: null, error }));
    child.once('exit', (exitCode, signal) => onEnd({ code: exitCode, signal, error: null }));
    if (child.pid === undefined) throw new Error(`${file} could not be started`);
    resources.admit(child.pid);
    return identifyProcess(child.pid) ?? { pid: child.pid, startTime: 0 };
  }

  look(identity: ProcessIdentity): 'gone' | 'stopped' | 'running' {
    return lookAtProcess(identity);
  }

  signal({ pid }: ProcessIdentity, signal: NodeJS.Signals): void {
    kill(pid, signal);
  }

  signalGroup({ pid }: ProcessIdentity, signal: NodeJS.Signals): void {
    kill(-pid, signal);
  }

  /**
   * Throws unless whoever says hello is the manager of this network instance: a process of its uid in its namespace, whose pid is
   * its own. A manager that was taken over must not have another process ended in its place.
   */
  vet({ pid, startTime, netnsInode }: Hello): void {
    const { manager, namespace } = this.#options;
    const refuse = (why: string) => {
      throw new Error(`who answers for ${manager.name} as pid ${pid} is not its manager: ${why}`);
    };
    if (netnsInode !== namespace.inode) refuse('it lives in another namespace');
    const found = identifyProcess(pid);
    if (found?.startTime !== startTime) refuse('that pid is another process');
    if (netnsOf(pid) !== `net:[${namespace.inode}]`) refuse('that process lives in another namespace');
    if (statSync(`/proc/${pid}`).uid !== namespace.uid) refuse('that process is of another uid');
  }

  /** The last lines of its log. */
  logTail(): string[] {
    // The directory is the manager's: a link in it may lead anywhere.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    let fd: number;
    try {
      fd = openSync(this.#logFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      return [];
    }
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) return [];
      const from = Math.max(0, stat.size - TAIL_BYTES);
      const buffer = Buffer.alloc(TAIL_BYTES);
      const text = buffer.subarray(0, readSync(fd, buffer, 0, TAIL_BYTES, from)).toString();
      const lines = text.split('\n').filter(Boolean);
      return lines.slice(from > 0 && lines.length > 1 ? 1 : 0).slice(-TAIL_LINES);
    } catch {
      return [];
    } finally {
      closeSync(fd);
    }
  }

  get #logFile(): string {
    return join(this.#options.manager.logDirectory, MANAGER_LOG);
  }
}

function netnsOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
