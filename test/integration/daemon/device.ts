import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  commandLine,
  type Nibox,
  type NiboxStatus,
  type TunnelReport,
  waitUntilReady,
} from '../../conformance/index.ts';
import { World } from '../../world/index.ts';

const CLI = resolve('dist/nibox.js');
const READY_MS = 60_000;

/** A demo world with the real daemon in it, as a test sees it. */
export interface Device {
  world: World;
  prefix: string;
  nibox: Nibox;
  status(): Promise<Omit<NiboxStatus, 'networkInstances'> & { networkInstances: InstanceReport[] }>;
  instance(name: string): Promise<InstanceReport>;
  /** Runs a verb; gives its exit code and output, never throws. */
  run(...args: string[]): Promise<{ code: number; output: string }>;
  /** Runs a command as the manager of a network instance could; gives its exit code and output, never throws. */
  exec(name: string, ...command: string[]): Promise<{ code: number; output: string }>;
  /** Starts it with the config that the device began with; does not wait. */
  startSupervisor(): Promise<void>;
  /** kill -9 of the supervisor, then another one; waits until it is ready. */
  restartSupervisor(): Promise<void>;
  down(): Promise<string[]>;
}

export interface InstanceReport {
  name: string;
  type: string;
  state: string;
  error: string | null;
  isolation: string;
  manager: {
    pid: number | null;
    state: string;
    restarts: number;
    uptime: number;
    version: string;
    causes: Record<string, number>;
    deaths: { at: number; pid: number; cause: string; detail: string; log: string[] }[];
  };
  stale: number | null;
  driftRepairs: number;
  nftTransactions: number;
  ipBatches: number;
  dnsmasqPid: number;
  vpn: { backend: string; charonPid: number; error: string; tunnels: TunnelReport[] } | null;
  items: ItemReport[];
  /** A switch's uplinks. */
  ports: { interface: string; state: string; shared: boolean; bridged: string; error: string | null }[];
}

export interface ItemReport {
  kind: string;
  id: string;
  state: string;
  error: string;
  dependsOn: string[];
}

export interface DeviceOptions {
  /** Wait until all is online. Default true. */
  ready?: boolean;
  /** Default: a random one. */
  prefix?: string;
  /** The Node.js that the supervisor runs in, and so its managers. Default: the one that runs this. */
  node?: string;
  /** Ends the building early; then, and at the end, the caller calls `down`. Default: signals to the process do both. */
  signal?: AbortSignal;
}

/** Names what a test makes. */
export function randomPrefix(): string {
  return `t${Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
}

/** Builds a world under a prefix of its own and starts the daemon in it. Needs the build (`npm run build`). */
export async function startDevice(config: string, options: DeviceOptions = {}): Promise<Device> {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run \`npm run build\``);
  const prefix = options.prefix ?? randomPrefix();
  const interrupted = new AbortController();
  const building = World.up({ prefix, signal: options.signal ?? interrupted.signal });
  // Once, whoever asks: of two at once the first to fail would end the process before the other is done.
  let ending: Promise<string[]> | null = null;
  const down = () => {
    // Half a world is removed by who builds it: what that goes on to start would be left.
    ending ??= building.then(
      async built => {
        await built.stopSupervisor();
        return built.down();
      },
      () => [],
    );
    return ending;
  };
  // An interrupted test leaves nothing either. `on`, not `once`: where nobody listens any more execa ends the process itself.
  for (const signal of options.signal ? [] : (['SIGINT', 'SIGTERM'] as const)) {
    process.on(signal, () => {
      interrupted.abort(new Error(`ended by ${signal}`));
      void down().finally(() => process.exit(1));
    });
  }
  const world = await building;
  const runDirectory = `/run/nibox/${prefix}`;
  const directories = [runDirectory, join(world.runDirectory, 'nibox-state'), join(world.runDirectory, 'nibox-log')];
  const nibox = commandLine([process.execPath, CLI], prefix);
  const device: Device = {
    world,
    prefix,
    nibox,
    status: async () => (await nibox(['status'])) as never,
    instance: async name => (await device.status()).networkInstances.find(instance => instance.name === name)!,
    run: (...args) => runCli([...args, '--prefix', prefix]),
    exec: (name, ...command) => runCli(['exec', '--prefix', prefix, name, '--', ...command]),
    restartSupervisor: async () => {
      process.kill((await device.status()).supervisor.pid, 'SIGKILL');
      await until('the supervisor is gone', async () => !(await world.supervisor()));
      await startSupervisor();
      await waitUntilReady(world, nibox, READY_MS);
    },
    startSupervisor: () => startSupervisor(),
    down,
  };
  const startSupervisor = async () => {
    const [run, state, log] = directories as [string, string, string];
    const flags = ['--config', resolve(config), '--prefix', prefix, '--resolv-conf', world.resolvConf];
    await world.startSupervisor({
      command: [
        options.node ?? process.execPath,
        CLI,
        'run',
        ...flags,
        '--run-dir',
        run,
        '--state-dir',
        state,
        '--log-dir',
        log,
      ],
      directories,
    });
  };
  try {
    await startSupervisor();
    if (options.ready !== false) await waitUntilReady(world, nibox, READY_MS);
  } catch (error) {
    await down();
    throw error;
  }
  return device;
}

async function runCli(args: readonly string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...args]);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

/** Asks again until it holds; throws with `what` after the time. */
export async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 45_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`still not so after ${timeoutMs} ms: ${what}`);
    await new Promise(done => setTimeout(done, 100));
  }
}
