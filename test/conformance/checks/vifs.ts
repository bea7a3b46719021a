import type { World } from '../../world/index.ts';
import { expect } from '../check.ts';

/** A VIF of the scenario, from the app's side. */
export interface Vif {
  app: string;
  device: string;
  networkInstance: string;
}

export const app1ni1: Vif = { app: 'app1', device: 'eth0', networkInstance: 'ni1' };
export const app1ni2: Vif = { app: 'app1', device: 'eth1', networkInstance: 'ni2' };
export const app2ni2: Vif = { app: 'app2', device: 'eth0', networkInstance: 'ni2' };
export const app3ni3: Vif = { app: 'app3', device: 'eth0', networkInstance: 'ni3' };
export const app6ni6: Vif = { app: 'app6', device: 'eth0', networkInstance: 'ni6' };

/** app2's web server as the portmap ACE shows it on eth0. */
export const portmap = { address: '192.168.0.2', port: 8080, url: 'http://192.168.0.2:8080/' } as const;

/** The address that DHCP gave to a VIF. */
export async function addressOfVif(world: World, { app, device }: Vif): Promise<string> {
  const lease = await world.lease(app, device);
  expect(lease !== undefined, `${app} has no lease on ${device}`);
  return lease.address;
}

/** The address of an NI's end of its transit link, as its kernel has it. */
export async function transitAddress(world: World, networkInstance: string): Promise<string> {
  const { stdout, stderr } = await world.exec(networkInstance, 'ip', ['-j', '-4', 'address', 'show', 'dev', 'uplink']);
  const address = /"local":"([0-9.]+)"/.exec(stdout)?.[1];
  expect(address !== undefined, `${networkInstance} has no address on its transit link: ${stderr.trim()}`);
  return address;
}
