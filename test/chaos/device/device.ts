import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../../../shared/kernel/run.ts';
import { ApiClient } from '../../../supervisor/api/client.ts';
import { commandLine, type Nibox, waitUntilReady } from '../../conformance/index.ts';
import { World } from '../../world/index.ts';
import { baseConfig } from './config.ts';
import { Keeper } from './keeper.ts';

const CLI = resolve('dist/nibox.js');
const READY_MS = 60_000;
/** Sizes of the disks that the suite fills: logs of an hour of chaos fit. */
const STATE_DISK = '8m';
const LOG_DISK = '96m';

/** The demo world with nibox in it, whose state and logs lie on small disks of their own. */
export interface ChaosDevice {
  world: World;
  prefix: string;
  /** The config that it runs with. */
  config: string;
  api: ApiClient;
  nibox: Nibox;
  keeper: Keeper;
  runDirectory: string;
  stateDirectory: string;
  logDirectory: string;
  /** Removes it all; gives problems. Harmless when called again. */
  down(): Promise<string[]>;
}

/**
 * Builds the world under a random prefix and waits until all is online. Ends, and leaves nothing, when `signal` aborts.
 * `restartDelayMax`: of managers, seconds.
 */
export async function startDevice(restartDelayMax: number, signal: AbortSignal): Promise<ChaosDevice> {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run \`npm run build\``);
  const prefix = `c${Array.from({ length: 4 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
  const world = await World.up({ prefix, signal });
  const directories = {
    runDirectory: `/run/nibox/${prefix}`,
    stateDirectory: join(world.runDirectory, 'nibox-state'),
    logDirectory: join(world.runDirectory, 'nibox-log'),
  };
  const { runDirectory, stateDirectory, logDirectory } = directories;
  const configFile = join(world.runDirectory, 'chaos.yaml');
  const config = await baseConfig(restartDelayMax);
  const flags = ['--config', configFile, '--prefix', prefix, '--resolv-conf', world.resolvConf];
  const places = ['--run-dir', runDirectory, '--state-dir', stateDirectory, '--log-dir', logDirectory];
  const command = [process.execPath, CLI, 'run', ...flags, ...places];
  const keeper = new Keeper(world, command, Object.values(directories));
  const nibox = commandLine([process.execPath, CLI], prefix);
  let ending: Promise<string[]> | null = null;
  const down = () => {
    ending ??= keeper.stop().then(() => world.down());
    return ending;
  };
  try {
    await writeFile(configFile, config);
    await mountDisk(stateDirectory, STATE_DISK, '0700');
    await mountDisk(logDirectory, LOG_DISK, '0755');
    await keeper.start();
    signal.throwIfAborted();
    await waitUntilReady(world, nibox, READY_MS);
    signal.throwIfAborted();
  } catch (error) {
    await down();
    throw error;
  }
  const api = new ApiClient({ path: join(runDirectory, 'api.sock'), prefix });
  return { world, prefix, config, api, nibox, keeper, ...directories, down };
}

async function mountDisk(directory: string, size: string, mode: string): Promise<void> {
  await mkdir(directory);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=${mode}`, 'nibox-chaos', directory]);
}
