import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';

/** A network instance's namespaces, bind-mounted, so that they outlive every process. */
export interface InstanceNamespace {
  /** As `ip netns` shows it. */
  name: string;
  netPath: string;
  /** Absent: user namespaces are not available here. */
  userPath?: string;
  inode: number;
  /** Host uid and gid of the namespace's root; 0 without a user namespace. */
  uid: number;
}

const UIDS_PER_INSTANCE = 65_536;
const NETNS_DIRECTORY = '/run/netns';
const HOLDER_READY_MS = 5_000;

/** Makes and removes the namespaces of network instances: a network namespace owned by a user namespace of its own. */
export class Namespaces {
  readonly #directory: string;
  readonly #prefix: string;
  readonly #log: Log;

  constructor(options: { directory: string; prefix: string; log: Log }) {
    this.#directory = options.directory;
    this.#prefix = options.prefix;
    this.#log = options.log;
  }

  /** The NI's namespaces, made when missing. */
  async ensure(instance: string, uidBase: number, number: number): Promise<InstanceNamespace> {
    const found = await this.find(instance, uidBase, number);
    if (found) return found;
    const name = `${this.#prefix}-${instance}`;
    const directory = join(this.#directory, instance);
    const uid = uidBase + UIDS_PER_INSTANCE * (number - 1);
    await mkdir(directory, { recursive: true, mode: 0o755 });
    await mkdir(NETNS_DIRECTORY, { recursive: true, mode: 0o755 });
    if (await exists(join(NETNS_DIRECTORY, name))) {
      throw new Error(`${NETNS_DIRECTORY}/${name} exists and is not nibox's; remove it or choose another --prefix`);
    }
    const withUser = await this.#hold(['--user', '--net'], async pid => {
      await writeFile(`/proc/${pid}/uid_map`, `0 ${uid} ${UIDS_PER_INSTANCE}`);
      await writeFile(`/proc/${pid}/gid_map`, `0 ${uid} ${UIDS_PER_INSTANCE}`);
      await this.#bind(pid, directory, name, ['user', 'net']);
    }).then(
      () => true,
      error => {
        this.#log.warn(
          { err: error },
          'user namespaces are not available: network instances are kept in by capabilities only',
        );
        return false;
      },
    );
    if (!withUser) await this.#hold(['--net'], pid => this.#bind(pid, directory, name, ['net']));
    const made = await this.find(instance, uidBase, number);
    if (!made) throw new Error(`the namespace of ${instance} vanished while it was made`);
    return made;
  }

  /** The NI's namespaces if they exist. */
  async find(instance: string, uidBase: number, number: number): Promise<InstanceNamespace | null> {
    const directory = join(this.#directory, instance);
    const netPath = join(directory, 'net');
    const userPath = join(directory, 'user');
    const inode = await namespaceInode(netPath);
    if (inode === null) return null;
    const name = `${this.#prefix}-${instance}`;
    if ((await namespaceInode(join(NETNS_DIRECTORY, name))) !== inode) {
      await mkdir(NETNS_DIRECTORY, { recursive: true });
      await bindMount(netPath, join(NETNS_DIRECTORY, name));
    }
    const user = (await namespaceInode(userPath)) !== null;
    const uid = user ? uidBase + UIDS_PER_INSTANCE * (number - 1) : 0;
    return { name, netPath, ...(user && { userPath }), inode, uid };
  }

  /** Names of NIs that have namespaces here. */
  async list(): Promise<string[]> {
    return readdir(this.#directory).catch(() => []);
  }

  /** Ends what still runs in there and unmounts. */
  async remove(instance: string): Promise<void> {
    const directory = join(this.#directory, instance);
    const inode = await namespaceInode(join(directory, 'net'));
    if (inode !== null) {
      for (const pid of await processesIn(inode)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // gone
        }
      }
    }
    for (const path of [
      join(NETNS_DIRECTORY, `${this.#prefix}-${instance}`),
      join(directory, 'net'),
      join(directory, 'user'),
    ]) {
      if (!(await exists(path))) continue;
      await run('umount', ['-l', path]).catch(() => {});
      await rm(path, { force: true });
    }
    await rm(directory, { recursive: true, force: true });
  }

  /** Runs `work` while a process sits in new namespaces. */
  async #hold(flags: readonly string[], work: (pid: number) => Promise<void>): Promise<void> {
    // It says when it is inside; `cat` ends with its standard input, also when this process dies.
    const holder = spawn('unshare', [...flags, '--', 'sh', '-c', 'echo ready; exec cat'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    holder.stderr.on('data', chunk => (said += String(chunk)));
    holder.stdin.on('error', () => {});
    try {
      const signal = AbortSignal.timeout(HOLDER_READY_MS);
      const ready = once(holder.stdout, 'data', { signal });
      const ended = once(holder, 'close', { signal }).then(([code]) => {
        throw new Error(`unshare ${flags.join(' ')} failed (${code}): ${said.trim()}`);
      });
      ended.catch(() => {});
      await Promise.race([ready, ended]);
      await work(holder.pid!);
    } finally {
      holder.stdin.end();
    }
  }

  async #bind(pid: number, directory: string, name: string, kinds: readonly ('user' | 'net')[]): Promise<void> {
    for (const kind of kinds) await bindMount(`/proc/${pid}/ns/${kind}`, join(directory, kind));
    await bindMount(join(directory, 'net'), join(NETNS_DIRECTORY, name));
  }
}

async function bindMount(source: string, target: string): Promise<void> {
  await writeFile(target, '', { flag: 'a' });
  await run('mount', ['--bind', source, target]);
}

/** Inode of the namespace that is mounted on a path; null when none is. */
export async function namespaceInode(path: string): Promise<number | null> {
  try {
    const { ino, dev } = await stat(path);
    // nsfs has one device number; an empty file left by a reboot has its directory's.
    return dev === (await stat('/proc/self/ns/net')).dev ? ino : null;
  } catch {
    return null;
  }
}

async function processesIn(inode: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter(entry => /^\d+$/.test(entry)).map(Number);
  const inside = await Promise.all(
    pids.map(async pid => (await readlink(`/proc/${pid}/ns/net`).catch(() => '')) === `net:[${inode}]`),
  );
  return pids.filter((_pid, index) => inside[index]);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
