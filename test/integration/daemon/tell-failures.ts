import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, type TestContext } from 'node:test';
import type { Device } from './device.ts';

const LOG_LINES = 40;
/** What tells most of a namespace, as one shell script. */
const LOOK = 'ip -d addr; ip rule; ip route show table all; nft list ruleset; conntrack -L';

/** For a suite: after each test that failed prints what the kernel has in the device's namespaces, and the ends of the logs. */
export function tellFailures(device: () => Device | undefined): void {
  afterEach(async t => {
    const failed = device();
    // Node 20.12 tells it; its types don't say so.
    if (!failed || (t as TestContext & { passed?: boolean }).passed !== false) return;
    const instances = await failed.status().then(
      status => status.networkInstances.map(({ name }) => name),
      () => [],
    );
    for (const place of ['device', ...instances]) {
      const { stdout, stderr } = await failed.world.exec(place, 'sh', ['-c', LOOK]);
      console.error(`--- ${place}: ${LOOK}\n${stdout}${stderr}`);
    }
    for (const file of await logFiles(failed)) {
      const { stdout } = await failed.world.exec('device', 'tail', ['-n', `${LOG_LINES}`, file]);
      console.error(`--- ${file}\n${stdout}`);
    }
  });
}

async function logFiles({ world }: Device): Promise<string[]> {
  const directory = join(world.runDirectory, 'nibox-log');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath ?? entry.path, entry.name));
}
