import type { ChildProcess } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ExecOptions, type ExecResult, execIn, spawnIn } from './exec.ts';
import { paths, writeFiles } from './files.ts';
import type { Member } from './layout.ts';
import { type Lease, readLease } from './lease.ts';
import { buildNetwork } from './network.ts';
import { namespacesOf } from './proc.ts';
import { end, type ProcessRecord, readRecords, start } from './processes.ts';
import { untilListening } from './readiness.ts';
import { type Service, services } from './services.ts';
import { type ShellCommand, shellCommand } from './shell.ts';
import { endSupervisor, type SupervisorOptions, startSupervisor, supervisorProcess } from './supervisor.ts';
import { tearDown } from './teardown.ts';

export interface WorldOptions {
  /** Goes in front of every namespace's name: `<prefix>-gw`. */
  prefix: string;
  /** Default `/run/nibox-world/<prefix>`. */
  runDirectory?: string;
  /** Ends `up` early; what was made is removed. */
  signal?: AbortSignal;
}

/** The demo world on this host under one prefix. It outlives the process that built it. */
export class World {
  readonly prefix: string;
  readonly runDirectory: string;

  private constructor(prefix: string, runDirectory: string) {
    this.prefix = prefix;
    this.runDirectory = runDirectory;
  }

  /** Builds the world. When anything fails, everything that was made is removed again. */
  static async up({ prefix, runDirectory = defaultDirectory(prefix), signal }: WorldOptions): Promise<World> {
    if (!/^[a-z][a-z0-9]{0,7}$/.test(prefix)) {
      throw new Error(`"${prefix}" can't be a prefix: take up to 8 of a-z and 0-9, a letter first`);
    }
    const strangers = await namespacesOf(prefix);
    if (strangers.length > 0 && !(await exists(runDirectory))) {
      throw new Error(`namespaces by that prefix exist, and no world made them: ${strangers.join(', ')}`);
    }
    await claim(prefix, runDirectory);
    try {
      await Promise.all([writeFiles(runDirectory), buildNetwork(prefix)]);
      signal?.throwIfAborted();
      await startServices(prefix, runDirectory, signal);
    } catch (cause) {
      const problems = await tearDown(prefix, runDirectory);
      const left = problems.length > 0 ? `; and in removing it: ${problems.join('; ')}` : '';
      throw new Error(`the world "${prefix}" could not be built: ${messageOf(cause)}${left}`, { cause });
    }
    return new World(prefix, runDirectory);
  }

  /** The world under a prefix, complete or not; null when there is none. */
  static async find(prefix: string, runDirectory: string = defaultDirectory(prefix)): Promise<World | null> {
    return (await exists(runDirectory)) ? new World(prefix, runDirectory) : null;
  }

  /** Removes the world, the supervisor in it and whatever that left. Returns problems; can be called again. */
  down(): Promise<string[]> {
    return tearDown(this.prefix, this.runDirectory);
  }

  /** Full name of a namespace: `app1`, `gw`, or an NI's, `ni1`. */
  namespace(name: string): string {
    return `${this.prefix}-${name}`;
  }

  /** The device's resolvers, as its DHCP client would leave them. */
  get resolvConf(): string {
    return paths.resolvConf(this.runDirectory);
  }

  /** What the DHCP server of an app's interface told it; undefined while it has no lease. */
  lease(app: string, device: string): Promise<Lease | undefined> {
    return readLease(join(paths.app(this.runDirectory, app), `${device}.lease`));
  }

  /** Hook for a DHCP client that only asks: `udhcpc -s <this>` prints what parseLease reads. */
  get offerScript(): string {
    return paths.offerScript(this.runDirectory);
  }

  /** Runs a program in a namespace to its end. */
  exec(name: string, file: string, args: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    return execIn(this.namespace(name), file, args, options);
  }

  /** Starts a long-running program in a namespace; whoever calls ends it. */
  spawn(name: string, file: string, args: readonly string[], options?: Pick<ExecOptions, 'env'>): ChildProcess {
    return spawnIn(this.namespace(name), file, args, options);
  }

  /** Starts a program that goes on after the caller has ended, until `down`. `id` is unique in the world. */
  startService(id: string, name: Member, command: readonly string[]): Promise<ProcessRecord> {
    return start({ dir: this.runDirectory, name: id, namespace: this.namespace(name), command });
  }

  /** Ends one of the world's own services; a graceful end lets a daemon say goodbye to its peers. */
  async endService(name: string): Promise<void> {
    const record = (await readRecords(this.runDirectory)).find(candidate => candidate.name === name);
    if (!record) throw new Error(`the world "${this.prefix}" has no service ${name}`);
    await end(record, serviceGraceMs);
  }

  /** Starts one of the world's own services again and waits until it listens. */
  async restartService(name: string): Promise<void> {
    const service = services(this.runDirectory).find(candidate => candidate.name === name);
    if (!service) throw new Error(`the world has no service ${name}`);
    await this.endService(name);
    await untilListening(service, await startOne(this.prefix, this.runDirectory, service));
  }

  /** What to execute for a person's shell in a namespace, with that namespace's resolvers. */
  shell(name: string): ShellCommand {
    return shellCommand(this.prefix, this.runDirectory, name);
  }

  /** Starts a nibox supervisor in the device's namespace, detached; output in `logs/supervisor.log`. */
  startSupervisor(options: SupervisorOptions): Promise<ProcessRecord> {
    return startSupervisor(this.prefix, this.runDirectory, options);
  }

  /** The supervisor that `startSupervisor` started, while it is alive. */
  supervisor(): Promise<ProcessRecord | undefined> {
    return supervisorProcess(this.runDirectory);
  }

  /** Stops it with SIGTERM and waits. False when it had to be killed. */
  stopSupervisor(): Promise<boolean> {
    return endSupervisor(this.runDirectory);
  }
}

/** Milliseconds for a service to end by itself. */
const serviceGraceMs = 5_000;

const defaultDirectory = (prefix: string) => `/run/nibox-world/${prefix}`;

function startOne(prefix: string, dir: string, { name, member, command, env }: Service): Promise<ProcessRecord> {
  return start({ dir, name, namespace: `${prefix}-${member}`, command, ...(env && { env }) });
}

/** The run directory is the claim on the prefix: made first, by one process only, removed last. */
async function claim(prefix: string, runDirectory: string): Promise<void> {
  await mkdir(dirname(runDirectory), { recursive: true, mode: 0o755 });
  try {
    await mkdir(runDirectory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new Error(`the world "${prefix}" exists already (${runDirectory}): take it down first`, { cause });
  }
  await writeFile(paths.world(runDirectory), JSON.stringify({ prefix }));
}

async function startServices(prefix: string, runDirectory: string, signal?: AbortSignal): Promise<void> {
  const started = services(runDirectory).map(async service => {
    return { service, record: await startOne(prefix, runDirectory, service) };
  });
  // All settle before the first failure is thrown: a process that starts during the teardown would survive it.
  const outcomes = await Promise.allSettled(started);
  signal?.throwIfAborted();
  await Promise.all(
    outcomes.map(async outcome => {
      if (outcome.status === 'rejected') throw outcome.reason;
      await untilListening(outcome.value.service, outcome.value.record);
    }),
  );
}

async function exists(runDirectory: string): Promise<boolean> {
  return access(runDirectory).then(
    () => true,
    () => false,
  );
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
