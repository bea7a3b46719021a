import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';
import { writeAtomic } from '../../shared/state/plain-file.ts';
import { bindTable } from './fstab.ts';
import { Inhabitants } from './inhabitants.ts';

/** A network instance's namespaces, bind-mounted, so that they outlive every process. */
export interface InstanceNamespace {
  /** As `ip netns` shows it. */
  name: string;
  netPath: string;
  /** Absent: user namespaces are not available here. */
  userPath?: string;
  inode: number;
  /** It was made a moment ago: nothing is in it. */
  isFresh: boolean;
  /** Host uid and gid of the NI's manager: the user namespace's root, or without one the manager's own. */
  uid: number;
  /** Directories that its manager is not to see. */
  hidden: readonly string[];
}

/** How network instances are kept apart. */
export interface Sealing {
  /** First uid of the first NI. */
  uidBase: number;
  userNamespaces: boolean;
}

/** Each NI has a range of them. */
export const UIDS_PER_INSTANCE = 65_536;
export const NETNS_DIRECTORY = '/run/netns';
/** Some 10 ms; on a device that starts hundreds of network instances much more. */
const HOLDER_READY_MS = 30_000;
/** In an NI's directory: the uid that it was made with, whatever the config says by now. */
const UID_FILE = 'uid';
const MOUNT_TABLE = 'mounts.fstab';

/** The kernel or the host does not allow such a namespace. */
class UnshareRefused extends Error {}

/** Makes and removes the namespaces of network instances: a network namespace owned by a user namespace of its own. */
export class Namespaces {
  readonly #directory: string;
  /** An NI's run directory, which is its manager's own. */
  readonly #instanceDirectory: (name: string) => string;
  readonly #prefix: string;
  readonly #hidden: readonly string[];
  readonly #log: Log;
  readonly #inhabitants = new Inhabitants();
  #mounted: Promise<void> | null = null;

  constructor(options: {
    directory: string;
    instanceDirectory: (name: string) => string;
    prefix: string;
    hidden: readonly string[];
    log: Log;
  }) {
    this.#directory = options.directory;
    this.#instanceDirectory = options.instanceDirectory;
    this.#prefix = options.prefix;
    this.#hidden = options.hidden;
    this.#log = options.log;
  }

  /** The NI's namespaces, made when missing. Those that exist stay as they are, however they are sealed. */
  async ensure(instance: string, number: number, sealing: Sealing): Promise<InstanceNamespace> {
    const found = await this.find(instance);
    if (found) return found;
    const name = `${this.#prefix}-${instance}`;
    const directory = join(this.#directory, instance);
    const uid = sealing.uidBase + UIDS_PER_INSTANCE * (number - 1);
    this.#mounted ??= this.#ensureMountPoint();
    await this.#mounted;
    await mkdir(directory, { recursive: true, mode: 0o755 });
    await mkdir(NETNS_DIRECTORY, { recursive: true, mode: 0o755 });
    if (await exists(join(NETNS_DIRECTORY, name))) {
      throw new Error(`${NETNS_DIRECTORY}/${name} exists and is not nibox's; remove it or choose another --prefix`);
    }
    writeAtomic(join(directory, UID_FILE), `${uid}\n`);
    try {
      const sealed = sealing.userNamespaces && (await this.#seal(directory, name, uid));
      if (!sealed) await this.#hold(['--net'], pid => this.#bind(pid, directory, name, ['net']));
    } catch (error) {
      await this.remove(instance); // half of it would be mounted over the next time
      throw error;
    }
    const made = await this.find(instance);
    if (!made) throw new Error(`the namespace of ${instance} vanished while it was made`);
    return { ...made, isFresh: true };
  }

  /** The NI's namespaces if they exist. */
  async find(instance: string): Promise<InstanceNamespace | null> {
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
    const uid = await this.#uidOf(instance, user);
    return { name, netPath, ...(user && { userPath }), inode, isFresh: false, uid, hidden: this.#hidden };
  }

  /** Where an NI's network namespace is mounted when it exists. */
  netPath(instance: string): string {
    return join(this.#directory, instance, 'net');
  }

  /** Names of NIs that have namespaces here. */
  async list(): Promise<string[]> {
    return readdir(this.#directory).catch(() => []);
  }

  /** Ends what still runs in there and unmounts. A virtual machine monitor that somebody runs in there is not ended. */
  async remove(instance: string): Promise<void> {
    const directory = join(this.#directory, instance);
    const inode = await namespaceInode(join(directory, 'net'));
    if (inode !== null) {
      const isSealed = (await namespaceInode(join(directory, 'user'))) !== null;
      const own = isSealed ? 0 : await this.#uidOf(instance, false);
      for (const { pid, uid, isApart } of await this.#inhabitants.of(inode)) {
        if (isSealed ? isApart : uid === own) kill(pid);
      }
    }
    const named = join(NETNS_DIRECTORY, `${this.#prefix}-${instance}`);
    const mounted: string[] = [];
    for (const path of [named, join(directory, 'net'), join(directory, 'user')]) {
      if ((await namespaceInode(path)) !== null) mounted.push(path);
    }
    if (mounted.length > 0) await run('umount', ['-l', ...mounted]).catch(() => {});
    await rm(named, { force: true });
    await rm(directory, { recursive: true, force: true });
  }

  /** Of its manager, as it was made with: by its file, or when that is lost by what is there. */
  async #uidOf(instance: string, isSealed: boolean): Promise<number> {
    const file = join(this.#directory, instance, UID_FILE);
    const text = await readFile(file, 'utf8').catch(() => '');
    if (/^\d{1,10}\n$/.test(text)) return Number(text);
    const uid = isSealed
      ? await mappedUid(join(this.#directory, instance, 'user'))
      : (await stat(this.#instanceDirectory(instance)).catch(() => null))?.uid;
    if (uid === undefined || uid === 0) {
      const remedy = `write the uid of its manager into it, or stop nibox and start it again`;
      throw new Error(`${file} is lost, and nothing else tells the uid of ${instance}; ${remedy}`);
    }
    this.#log.warn({ file, uid }, `${file} could not be used; the uid is ${uid} by what runs, and it is written anew`);
    try {
      writeAtomic(file, `${uid}\n`);
    } catch (error) {
      this.#log.error({ file, err: error }, `${file} can't be written`);
    }
    return uid;
  }

  /** The directory goes too when it is empty. */
  async close(): Promise<void> {
    if ((await this.list()).length > 0) return;
    this.#mounted = null;
    await run('umount', ['-l', this.#directory]).catch(() => {}); // it is no mount of its own on a device that knew an older nibox
    await rm(this.#directory, { recursive: true, force: true });
  }

  /**
   * The directory is a mount, of itself: so managers, whose mount namespaces begin as copies, let go of all namespaces in it by
   * one call and not by thousands.
   */
  async #ensureMountPoint(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o755 });
    if ((await this.list()).length > 0 || (await isMountPoint(this.#directory))) return;
    await run('mount', ['--bind', '--make-private', this.#directory, this.#directory]);
  }

  /** Makes a network namespace in a user namespace of its own; false: this kernel or host does not let us. */
  async #seal(directory: string, name: string, uid: number): Promise<boolean> {
    try {
      await this.#hold(['--user', '--net'], async pid => {
        await writeFile(`/proc/${pid}/uid_map`, `0 ${uid} ${UIDS_PER_INSTANCE}`);
        await writeFile(`/proc/${pid}/gid_map`, `0 ${uid} ${UIDS_PER_INSTANCE}`);
        await this.#bind(pid, directory, name, ['user', 'net']);
      });
      return true;
    } catch (error) {
      // Anything else is no reason to seal less.
      if (!(error instanceof UnshareRefused)) throw error;
      this.#log.warn(
        { err: error },
        'no user namespaces here: network instances are kept apart by uid and capabilities',
      );
      return false;
    }
  }

  /** Runs `work` while a process sits in new namespaces. */
  async #hold(flags: readonly string[], work: (pid: number) => Promise<void>): Promise<void> {
    // What it gives back shows that it is inside; it ends with its standard input, also when this process dies.
    const holder = spawn('unshare', [...flags, '--', 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    holder.stderr.on('data', chunk => (said += String(chunk)));
    holder.stdin.on('error', () => {});
    holder.stdin.write('\n');
    try {
      const signal = AbortSignal.timeout(HOLDER_READY_MS);
      const ready = once(holder.stdout, 'data', { signal });
      const ended = once(holder, 'close', { signal }).then(([code]) => {
        throw new UnshareRefused(`unshare ${flags.join(' ')} failed (${code}): ${said.trim()}`);
      });
      ended.catch(() => {});
      await Promise.race([ready, ended]);
      await work(holder.pid!);
    } finally {
      holder.stdin.end();
    }
  }

  async #bind(pid: number, directory: string, name: string, kinds: readonly ('user' | 'net')[]): Promise<void> {
    const mounts = kinds.map(kind => ({ source: `/proc/${pid}/ns/${kind}`, target: join(directory, kind) }));
    mounts.push({ source: join(directory, 'net'), target: join(NETNS_DIRECTORY, name) });
    for (const { target } of mounts) await writeFile(target, '', { flag: 'a' });
    // One program makes them all; it can't read a table from a pipe.
    const table = join(directory, MOUNT_TABLE);
    await writeFile(table, bindTable(mounts));
    await run('mount', ['-a', '-T', table]);
  }
}

async function bindMount(source: string, target: string): Promise<void> {
  await writeFile(target, '', { flag: 'a' });
  await run('mount', ['--bind', source, target]);
}

async function isMountPoint(path: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  return mounts.includes(` ${path} `);
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

/** Host uid of a user namespace's root. */
async function mappedUid(userPath: string): Promise<number | undefined> {
  const map = await run('nsenter', [`--user=${userPath}`, '--preserve-credentials', 'cat', '/proc/self/uid_map']);
  const [, host] = map.trim().split(/\s+/);
  return host === undefined ? undefined : Number(host);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
