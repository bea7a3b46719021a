import type { ChildProcess } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../shared/kernel/run.ts';
import type { World } from '../../world/index.ts';
import { until } from '../daemon/device.ts';

export interface RelayOptions {
  world: World;
  /** Whose namespace plays the guest; the world runs a DHCP client on its `eth0`. */
  app: string;
  networkInstance: string;
  vif: string;
  mac: string;
}

/**
 * A guest without a virtual machine: its NIC is a TAP `eth0` in the app's namespace, and two socats carry the frames between that
 * and the VIF, which one of them holds open as a virtual machine monitor would. Gives what switches it off.
 */
export async function startRelayedGuest(options: RelayOptions): Promise<() => Promise<void>> {
  const { world, app, networkInstance, vif, mac } = options;
  const path = (end: string) => join(world.runDirectory, `${app}-${end}.sock`);
  const tap = (name: string) => `TUN,tun-type=tap,iff-no-pi,tun-name=${name}`;
  const datagrams = (own: string, other: string) => `UNIX-SENDTO:${path(other)},bind=${path(own)},unlink-early`;
  // Not by its name yet: the DHCP client takes the MAC address that an `eth0` has when it appears.
  const nic = `tuntap add dev nic0 mode tap\nlink set dev nic0 address ${mac}\n`;
  await world.exec(app, 'ip', ['-batch', '-'], { input: nic });
  const children: ChildProcess[] = [];
  const relay = async (name: string, device: string, own: string, other: string) => {
    children.push(world.spawn(name, 'socat', [tap(device), datagrams(own, other)]));
    await until(`${path(own)} is there`, async () => access(path(own)).then(() => true));
  };
  // The NIC first: it is down, so nothing is sent to a socket that is not there yet.
  await relay(app, 'nic0', 'nic', 'vif');
  await relay(networkInstance, vif, 'vif', 'nic');
  await world.exec(app, 'ip', ['link', 'set', 'dev', 'nic0', 'name', 'eth0']);
  return async () => {
    for (const child of children) child.kill('SIGKILL');
    const namespace = world.namespace(app);
    await run('nsenter', [`--net=/run/netns/${namespace}`, '--', 'ip', 'link', 'del', 'dev', 'eth0']);
  };
}
