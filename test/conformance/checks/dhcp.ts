import type { World } from '../../world/index.ts';
import { parseLease } from '../../world/index.ts';
import { type CheckContext, defineCheck, expect } from '../check.ts';
import { interfaceOf, readStatus } from '../nibox.ts';
import { app1ni1, app1ni2, type Vif } from './vifs.ts';

interface Wanted {
  vif: Vif;
  /** Beginning of every address in the subnet. */
  network: string;
  mtu: number;
}

export const dhcpChecks = [
  defineCheck({
    id: 'C01',
    title: 'app1 gets a lease on both VIFs, with router, DNS and MTU; shown in the status',
    networkInstance: 'ni1',
    see: async context => {
      const seen = await Promise.all([
        seeLease(context, { vif: app1ni1, network: '10.10.1.', mtu: 1500 }),
        seeLease(context, { vif: app1ni2, network: '192.168.1.', mtu: 1500 }),
      ]);
      return seen.join('; ');
    },
  }),
];

async function seeLease({ world, nibox }: CheckContext, { vif, network, mtu }: Wanted): Promise<string> {
  const { app, device, networkInstance } = vif;
  const offer = await askDhcp(world, vif);
  const where = `${app} on ${device} (${networkInstance})`;
  expect(offer !== undefined, `${where}: no DHCP server answers`);
  expect(
    offer.address.startsWith(network) && offer.prefixLength === 24,
    `${where}: given ${offer.address}/${offer.prefixLength}`,
  );
  expect(offer.routers[0] === `${network}1`, `${where}: router ${offer.routers.join(' ') || 'missing'}`);
  expect(offer.dnsServers[0] === `${network}1`, `${where}: DNS server ${offer.dnsServers.join(' ') || 'missing'}`);
  expect(offer.mtu === mtu, `${where}: MTU ${offer.mtu}, not ${mtu}`);

  const { stdout } = await world.exec(app, 'ip', ['-4', '-o', 'address', 'show', 'dev', device]);
  expect(
    stdout.includes(` ${offer.address}/24 `),
    `${where}: offered ${offer.address}, but the interface has ${stdout.trim() || 'no address'}`,
  );
  const { leased } = interfaceOf(await readStatus(nibox), app, networkInstance);
  expect(
    leased.includes(offer.address),
    `${where}: has ${offer.address}, but the status says ${leased.join(' ') || 'nothing'}`,
  );
  return `${networkInstance}: ${offer.address}, router ${offer.routers[0]}, DNS ${offer.dnsServers[0]}, MTU ${offer.mtu}`;
}

/** Asks anew: the app's own client may have got its lease long ago. Same MAC and client id, so the address is the same. */
async function askDhcp(world: World, { app, device }: Vif) {
  const options = ['-f', '-q', '-n', '-t', '4', '-T', '1', '-i', device, '-s', world.offerScript];
  const requests = ['-O', 'mtu', '-O', 'staticroutes', '-x', `hostname:${app}`];
  const { stdout } = await world.exec(app, 'busybox', ['udhcpc', ...options, ...requests]);
  return parseLease(stdout);
}
