import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ApiClient } from '../../../supervisor/api/client.ts';
import { type Nibox, waitUntilReady } from '../../conformance/index.ts';
import { World } from '../../world/index.ts';

/** Milliseconds until everything is in order; all of it starts on an emulated processor. */
const readyMs = 300_000;
const prefix = 'vm';
/** Of each log, when something went wrong. */
const lastLines = 40;

/** The demo world in the guest with the real daemon in it, asked through its API: a run of the CLI takes seconds here. */
export class GuestDevice {
  readonly world: World;
  readonly client: ApiClient;
  readonly nibox: Nibox;

  private constructor(world: World, client: ApiClient) {
    this.world = world;
    this.client = client;
    this.nibox = async ([verb, name]) => (verb === 'flows' ? client.flows(name!) : client.status());
  }

  /** Builds the world and starts the daemon, which has nothing to do yet. */
  static async start(): Promise<GuestDevice> {
    const world = await World.up({ prefix });
    const directories = {
      '--run-dir': `/run/nibox/${prefix}`,
      '--state-dir': join(world.runDirectory, 'nibox-state'),
      '--log-dir': join(world.runDirectory, 'nibox-log'),
    };
    const file = join(world.runDirectory, 'config.yaml');
    await writeFile(file, '{}');
    const flags = { '--config': file, '--prefix': prefix, '--resolv-conf': world.resolvConf, ...directories };
    await world.startSupervisor({
      command: [process.execPath, resolve('dist/nibox.js'), 'run', ...Object.entries(flags).flat()],
      directories: Object.values(directories),
    });
    const client = new ApiClient({ path: join(directories['--run-dir'], 'api.sock'), prefix });
    const device = new GuestDevice(world, client);
    await until('the supervisor answers', readyMs, async () => (await client.status()).supervisor.state === 'running');
    return device;
  }

  /** Takes a config and waits until all of it is in order. */
  async apply(config: string): Promise<void> {
    await this.client.apply(config, 'config.json', { dryRun: false });
    await waitUntilReady(this.world, this.nibox, readyMs);
  }

  async down(): Promise<void> {
    await this.world.stopSupervisor();
    const problems = await this.world.down();
    if (problems.length > 0) throw new Error(problems.join('; '));
  }

  /** Puts what nibox logged on the console: the guest's disk goes with the guest. */
  async showLogs(): Promise<void> {
    const names = ['ni2', 'ni3', 'ni4', 'ni5'].flatMap(ni => [`${ni}/manager.log`, `${ni}/charon.log`]);
    for (const name of ['supervisor.log', ...names]) {
      const text = await readFile(join(this.world.runDirectory, 'nibox-log', name), 'utf8').catch(() => '');
      const lines = text.trim().split('\n').slice(-lastLines);
      process.stdout.write(`---- ${name}\n${lines.join('\n')}\n`);
    }
  }
}

/** Asks again until it holds; throws with `what` after the time. */
export async function until(what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`still not so after ${timeoutMs / 1000} s: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}
