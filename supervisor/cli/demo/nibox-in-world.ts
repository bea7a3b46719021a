import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, type Nibox, waitUntilReady } from '../../../test/conformance/index.ts';
import { World } from '../../../test/world/index.ts';
import { type CommonOptions, runDirectoryOf } from '../options.ts';
import { demoConfig, ownCommand } from './installation.ts';

/** Milliseconds until all network instances are online and all apps have their addresses. */
const readyTimeoutMs = 60_000;
const intervalMs = 250;

export interface UpOptions extends CommonOptions {
  config?: string;
}

/** nibox by its command line, as the checks ask it. */
export function niboxOf(options: CommonOptions): Nibox {
  const ask = commandLine(ownCommand(), options.prefix);
  return args => ask([...args, '--run-dir', runDirectoryOf(options)]);
}

/** Starts the supervisor in the world's device; it has not got anywhere yet. */
export async function startNibox(world: World, options: UpOptions): Promise<void> {
  const directories = {
    '--run-dir': runDirectoryOf(options),
    '--state-dir': join(world.runDirectory, 'nibox-state'),
    '--log-dir': join(world.runDirectory, 'nibox-log'),
  };
  const config = options.config === undefined ? demoConfig() : resolve(options.config);
  const flags = { '--config': config, '--prefix': options.prefix, '--resolv-conf': world.resolvConf, ...directories };
  await world.startSupervisor({
    command: [...ownCommand(), 'run', ...Object.entries(flags).flat()],
    directories: Object.values(directories),
  });
}

/** Waits until all is in order; throws with the end of its output when nibox ends instead, or says what is missing. */
export async function untilReady(world: World, options: CommonOptions): Promise<void> {
  const done = new AbortController();
  const ended = async () => {
    while (!done.signal.aborted) {
      if (!(await world.supervisor())) throw new Error(`nibox has ended: ${await lastOutput(world)}`);
      await sleep(intervalMs);
    }
  };
  try {
    await Promise.race([waitUntilReady(world, niboxOf(options), readyTimeoutMs), ended()]);
  } finally {
    done.abort();
  }
}

/** The world under the prefix; throws when there is none. */
export async function findWorld(prefix: string): Promise<World> {
  const world = await World.find(prefix);
  if (!world) throw new Error(`there is no demo world ${prefix}: build it with \`nibox demo up --prefix ${prefix}\``);
  return world;
}

async function lastOutput(world: World): Promise<string> {
  const output = await readFile(join(world.runDirectory, 'logs/supervisor.log'), 'utf8').catch(() => '');
  return output.trim().split('\n').slice(-8).join('\n') || 'it said nothing';
}
