import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Device } from './device.ts';

/** Tries, as the manager of ni1 could, what a manager must not be able to do. */
export async function assertKeptIn(device: Device, options: { userNamespace: boolean }): Promise<void> {
  const { prefix, world } = device;
  const { supervisor, networkInstances } = await device.status();
  const other = networkInstances.find(({ name }) => name === 'ni2')!;
  const inside = (command: string) => device.exec('ni1', 'sh', '-c', command);
  const own = await inside(`ls /run/nibox/${prefix}/ni/ni1 && touch /run/nibox/${prefix}/ni/ni1/own`);
  assert.equal(own.code, 0, `its own directory is open to it: ${own.output}`);
  const log = join(world.runDirectory, 'nibox-log');
  for (const forbidden of [
    `ls /run/nibox/${prefix}/ni/ni2`,
    `touch /run/nibox/${prefix}/ni/new`,
    `ls ${log}/ni2`,
    `ls ${world.runDirectory}/nibox-state`,
    'ls /root',
    `kill -0 ${supervisor.pid}`,
    `kill -0 ${other.manager.pid}`,
    `kill -0 ${other.dnsmasqPid}`,
    'kill -0 1',
    `cat /proc/${other.manager.pid}/environ`,
    `nsenter --net=/run/netns/${prefix}-ni2 true`,
    'nsenter --target 1 --net true',
    'mount -t tmpfs none /run',
    `ls /run/nibox/${prefix}/api.sock && curl -sf --unix-socket /run/nibox/${prefix}/api.sock http://x/v1/status`,
    // Without a user namespace NET_ADMIN counts for every namespace of the device: docs/isolation.md.
    ...(options.userNamespace ? ['ip link add name nbtest type veth peer name nbpeer netns 1'] : []),
  ]) {
    assert.notEqual((await inside(forbidden)).code, 0, forbidden);
  }
}
