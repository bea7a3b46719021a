import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { commandLine, type Nibox, type NiboxStatus, waitUntilReady } from '../../conformance/index.ts';
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
  /** kill -9 of the supervisor, then another one; waits until it is ready. */
  restartSupervisor(): Promise<void>;
  down(): Promise<string[]>;
}

export interface InstanceReport {
  name: string;
  type: string;
  state: string;
  error: string | null;
  manager: { pid: number | null; state: string; restarts: number; uptime: number };
  driftRepairs: number;
  nftTransactions: number;
  ipBatches: number;
  dnsmasqPid: number;
}

/** Builds a world under a prefix of its own and starts the daemon in it. Needs the build (`npm run build`). */
export async function startDevice(config: string, options: { ready?: boolean } = {}): Promise<Device> {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run \`npm run build\``);
  const prefix = `t${Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
  const interrupted = new AbortController();
  // An interrupted test leaves nothing either.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted.abort(new Error(`ended by ${signal}`));
      void (async () => (await World.find(prefix))?.down())().finally(() => process.exit(1));
    });
  }
  const world = await World.up({ prefix, signal: interrupted.signal });
  const runDirectory = `/run/nibox/${prefix}`;
  const directories = [runDirectory, join(world.runDirectory, 'nibox-state'), join(world.runDirectory, 'nibox-log')];
  const nibox = commandLine([process.execPath, CLI], prefix);
  const device: Device = {
    world,
    prefix,
    nibox,
    status: async () => (await nibox(['status'])) as never,
    instance: async name => (await device.status()).networkInstances.find(instance => instance.name === name)!,
    run: async (...args) => {
      try {
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...args, '--prefix', prefix]);
        return { code: 0, output: stdout + stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, output: stdout + stderr };
      }
    },
    restartSupervisor: async () => {
      process.kill((await device.status()).supervisor.pid, 'SIGKILL');
      await until('the supervisor is gone', async () => !(await world.supervisor()));
      await startSupervisor();
      await waitUntilReady(world, nibox, READY_MS);
    },
    down: async () => {
      await world.stopSupervisor();
      return world.down();
    },
  };
  const startSupervisor = async () => {
    const [run, state, log] = directories as [string, string, string];
    const flags = ['--config', resolve(config), '--prefix', prefix, '--resolv-conf', world.resolvConf];
    await world.startSupervisor({
      command: [process.execPath, CLI, 'run', ...flags, '--run-dir', run, '--state-dir', state, '--log-dir', log],
      directories,
    });
  };
  try {
    await startSupervisor();
    if (options.ready !== false) await waitUntilReady(world, nibox, READY_MS);
  } catch (error) {
    await device.down();
    throw error;
  }
  return device;
}

/** Asks again until it holds; throws with `what` after the time. */
export async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`still not so after ${timeoutMs} ms: ${what}`);
    await new Promise(done => setTimeout(done, 100));
  }
}
