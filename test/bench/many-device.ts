import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../shared/kernel/run.ts';
import { ApiClient } from '../../supervisor/api/client.ts';
import type { StatusReport } from '../../supervisor/api/contract.ts';
import { type Device, startDevice, until } from '../integration/daemon/device.ts';

/** A device with as many network instances as a benchmark wants, all with one subnet, each with apps. */
export interface ManyDevice {
  device: Device;
  api: ApiClient;
  /** Makes the namespaces of the apps of so many network instances; `grow` does it too. */
  makeApps(count: number): Promise<void>;
  /** Applies a config with so many network instances; waits until all runs. Throws when it does not. */
  grow(count: number): Promise<void>;
  /** Applies the present config with other ACEs at all apps of the first network instance. */
  change(extraAces: readonly object[]): Promise<void>;
  status(): Promise<StatusReport>;
  /** The pids of the managers, by number. Throws for none. */
  managers(): Promise<number[]>;
  down(): Promise<void>;
}

export interface ManyOptions {
  /** Apps of each network instance. Default 1. */
  apps?: number;
  /** Ends the building early; the benchmark takes it down. */
  signal: AbortSignal;
  /** The Node.js to run it with. */
  node?: string;
}

const ACES = [
  { id: 1, ip: '0.0.0.0/0', protocol: 'tcp', fport: 443 },
  { id: 2, host: 'github.com' },
  { id: 3, ip: '192.168.0.0/16' },
];

/** Starts the daemon in a world of its own, without any network instance. */
export async function startMany({ apps = 1, node, signal }: ManyOptions): Promise<ManyDevice> {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-bench-'));
  const file = join(directory, 'config.json');
  await writeFile(file, '{}');
  const device = await startDevice(file, { ready: false, signal, ...(node && { node }) });
  const api = new ApiClient({ path: `/run/nibox/${device.prefix}/api.sock`, prefix: device.prefix });
  try {
    await until('the daemon answers', async () => (await api.status()).supervisor.pid > 0);
  } catch (error) {
    await device.down();
    throw error;
  }
  const namespaces: string[] = [];
  let size = 0;

  const names = (index: number) => Array.from({ length: apps }, (_, app) => `a${index}x${app + 1}`);
  const config = (extra: readonly object[]) => {
    const numbers = Array.from({ length: size }, (_, index) => index + 1);
    return JSON.stringify({
      networkInstances: numbers.map(number => {
        return { name: `n${number}`, port: `eth${number % 3}`, subnet: '10.10.1.0/24', flowLog: true };
      }),
      apps: numbers.flatMap(number =>
        names(number).map(name => {
          const acl = [...ACES, ...(number === 1 ? extra : [])];
          return { name, interfaces: [{ networkInstance: `n${number}`, acl }] };
        }),
      ),
    });
  };
  const apply = async (extra: readonly object[]) => {
    // The next supervisor reads it.
    await writeFile(file, config(extra));
    const { ok, converged, issues, problems } = await api.apply(config(extra), file, { dryRun: false });
    const wrong = [...issues.map(issue => JSON.stringify(issue)), ...problems];
    if (!ok || !converged || wrong.length > 0)
      throw new Error(`the config does not run: ${wrong.join('; ') || 'not all is up'}`);
  };
  const self: ManyDevice = {
    device,
    api,
    makeApps: async count => {
      const wanted = Array.from({ length: count }, (_, index) => names(index + 1)).flat();
      const missing = wanted.map(name => `${device.prefix}-${name}`).filter(name => !namespaces.includes(name));
      namespaces.push(...missing);
      if (missing.length > 0)
        await run('ip', ['-batch', '-'], { input: missing.map(name => `netns add ${name}\n`).join('') });
    },
    grow: async count => {
      await self.makeApps(count);
      size = count;
      await apply([]);
    },
    change: apply,
    status: () => api.status(),
    managers: async () => {
      const { networkInstances, supervisor } = await api.status();
      if (networkInstances.length === 0)
        throw new Error(`the status of supervisor ${supervisor.pid} tells of no managers`);
      return networkInstances.map(({ manager }) => manager.pid ?? 0);
    },
    down: async () => {
      const problems = await device.down();
      const removal = namespaces.map(name => `netns del ${name}\n`).join('');
      await run('ip', ['-force', '-batch', '-'], { input: removal }).catch(() => '');
      await rm(directory, { recursive: true, force: true });
      if (problems.length > 0) throw new Error(`the device left: ${problems.join('; ')}`);
    },
  };
  return self;
}
