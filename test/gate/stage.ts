import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../shared/kernel/run.ts';
import { ApiClient } from '../../supervisor/api/client.ts';
import { type Device, startDevice, until } from '../integration/daemon/device.ts';

/** Apps of the network instance that is looked at. The last one is added later. */
const APPS = 4;
const EVENTS = {
  ip: ['route', 'add', 'blackhole', '192.0.2.0/24', 'table', '99'],
  nft: ['add', 'table', 'inet', 'other'],
};

/** A device that begins empty, with namespaces for apps that send nothing by themselves. */
export class Stage {
  readonly device: Device;
  readonly #directory: string;
  readonly #api: ApiClient;

  private constructor(device: Device, directory: string) {
    this.device = device;
    this.#directory = directory;
    this.#api = new ApiClient({ path: `/run/nibox/${device.prefix}/api.sock`, prefix: device.prefix });
  }

  static async set(): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'nibox-gate-'));
    const config = join(directory, 'config.json');
    await writeFile(config, '{}');
    const device = await startDevice(config, { ready: false });
    const stage = new Stage(device, directory);
    for (let app = 1; app <= APPS; app++) await run('ip', ['netns', 'add', stage.#netns(app)]);
    await until('the daemon answers', async () => (await stage.#api.status()).supervisor.pid > 0, 60_000);
    return stage;
  }

  async supervisorPid(): Promise<number> {
    return (await this.#api.status()).supervisor.pid;
  }

  /** Where a network instance's sockets are. */
  directoryOf(name: string): string {
    return `/run/nibox/${this.device.prefix}/ni/${name}`;
  }

  /** `apps`: how many `g1` has; `ports`: those that the first app's ACEs open; `instances`: how many there are. */
  async apply({
    apps,
    ports,
    instances,
  }: {
    apps: number;
    ports: readonly number[];
    instances: number;
  }): Promise<void> {
    const aces = (open: readonly number[]) => open.map(fport => ({ ip: '0.0.0.0/0', protocol: 'udp', fport }));
    const config = {
      device: { name: 'gate' },
      // Who is traced is slow.
      supervision: { readyDeadline: 60, pingMisses: 30 },
      networkInstances: Array.from({ length: instances }, (_, index) => {
        return { name: `g${index + 1}`, port: 'eth0', subnet: '10.10.1.0/24' };
      }),
      apps: Array.from({ length: apps }, (_, index) => ({
        name: `gate${index + 1}`,
        attach: { netns: this.#netns(index + 1) },
        interfaces: [{ networkInstance: 'g1', acl: aces(index === 0 ? ports : [53]) }],
      })),
    };
    const { ok, converged, issues, problems } = await this.#api.apply(JSON.stringify(config), 'config.json', {
      dryRun: false,
    });
    if (!ok || !converged) throw new Error(`the config was not put in place: ${JSON.stringify({ issues, problems })}`);
  }

  /** Makes one event in a network instance or on the device, of `ip` or of `nft`, that changes nothing that nibox keeps. */
  async makeEvent(name: string, program: keyof typeof EVENTS): Promise<void> {
    const { exitCode, stderr } = await this.device.world.exec(name, program, EVENTS[program]);
    if (exitCode !== 0) throw new Error(`${program} ${EVENTS[program].join(' ')} failed in ${name}: ${stderr}`);
  }

  async strike(): Promise<string[]> {
    await rm(this.#directory, { recursive: true });
    // Takes namespaces with its prefix along.
    return this.device.down();
  }

  #netns(app: number): string {
    return `${this.device.prefix}-gate${app}`;
  }
}
