import { deviceService, sites, type World } from '../../world/index.ts';
import { type CheckContext, defineCheck, expect } from '../check.ts';
import { tcpConnections } from '../conntrack.ts';
import { curl, fetchNothing, fetchOk } from '../curl.ts';
import { lookUp } from '../dns.ts';
import { isLeak, isPrivateSource } from '../leak.ts';
import { instanceNamed, readStatus } from '../nibox.ts';
import { siteRequest } from './internet.ts';
import { addressOfVif, app1ni1, app1ni2, app2ni2, app3ni3, transitAddress } from './vifs.ts';

/** Source of a packet that the world plants on a wire away from the device, to see that the capture would find it. */
const planted = '10.10.1.99';

export const isolationChecks = [
  defineCheck({
    id: 'C25',
    title: 'the device reaches app1’s ni1 address over ni1’s transit link',
    networkInstance: 'ni1',
    see: async ({ world, nibox }) => {
      const address = await addressOfVif(world, app1ni1);
      const device = instanceNamed(await readStatus(nibox), 'ni1').transit?.device;
      expect(device !== undefined, 'the status of ni1 shows no transit link');
      await fetchOk(world, { from: 'device', device, url: `http://${address}/` }, 'app1');
      return `200 "app1" from ${address} over ${device}`;
    },
  }),
  defineCheck({
    id: 'C28',
    title: 'app1 in ni1 and app3 in ni3 live in worlds of their own, whatever their addresses',
    networkInstance: 'ni3',
    see: seeOwnWorlds,
  }),
  defineCheck({
    id: 'C32',
    title: 'app1 does not reach a service of the device itself via ni1',
    networkInstance: 'ni1',
    see: async ({ world }) => {
      const url = `http://${deviceService.address}:${deviceService.port}/`;
      await fetchOk(world, { from: 'device', url }, 'device'); // it listens
      const { error } = await fetchNothing(world, { from: 'app1', device: 'eth0', url });
      return error;
    },
  }),
  defineCheck({
    id: 'C27',
    title: 'no packet with a private source address has reached gw during all of this',
    networkInstance: 'ni1',
    alone: true,
    see: seeNoLeak,
  }),
];

async function seeOwnWorlds({ world }: CheckContext): Promise<string> {
  const [address1, address3] = await Promise.all([addressOfVif(world, app1ni1), addressOfVif(world, app3ni3)]);
  const own1 = await fetchOk(world, await siteRequest(world, app1ni1, 'github.com'), 'github.com');
  const own3 = await fetchOk(world, await siteRequest(world, app3ni3, 'google.com'), 'google.com');
  for (const [own, address, ni, other] of [
    [own1, address1, 'ni1', 'ni3'],
    [own3, address3, 'ni3', 'ni1'],
  ] as const) {
    const isIt = ({ original }: Awaited<ReturnType<typeof tcpConnections>>[number]) =>
      original.source === address && original.sourcePort === own.localPort;
    expect(
      (await tcpConnections(world, ni)).some(isIt),
      `the flow from ${address}:${own.localPort} is not tracked in ${ni}`,
    );
    expect(!(await tcpConnections(world, other)).some(isIt), `the flow of ${ni} is tracked in ${other}`);
  }
  const [name3, name1] = await Promise.all([
    lookUp(world, 'app1', 'eth0', 'app3'),
    lookUp(world, 'app3', 'eth0', 'app1'),
  ]);
  expect(name3.addresses.length === 0, `ni1 resolves app3 to ${name3.addresses.join(' ')}`);
  expect(name1.addresses.length === 0, `ni3 resolves app1 to ${name1.addresses.join(' ')}`);
  if (address1 !== address3) {
    await Promise.all([
      fetchNothing(world, { from: 'app1', device: 'eth0', url: `http://${address3}/` }),
      fetchNothing(world, { from: 'app3', device: 'eth0', url: `http://${address1}/` }),
    ]);
  }
  // Neither can go around its NI by the other's transit address.
  const [transit1, transit3] = await Promise.all([transitAddress(world, 'ni1'), transitAddress(world, 'ni3')]);
  await Promise.all([
    fetchNothing(world, { from: 'app1', device: 'eth0', url: `http://${transit3}/` }),
    fetchNothing(world, { from: 'app3', device: 'eth0', url: `http://${transit1}/` }),
  ]);
  const same = address1 === address3 ? `both are ${address1}` : `${address1} and ${address3}`;
  return `${same}; each reaches its own world only`;
}

async function seeNoLeak({ world, capture }: CheckContext): Promise<string> {
  // What would leak if anything did: flows that pass and flows that are dropped. Whether they get through is not asked here.
  const url = 'http://github.com/';
  const address = sites['github.com'];
  await Promise.all(
    [app1ni1, app1ni2, app2ni2, app3ni3].map(({ app, device }) => curl(world, { from: app, device, url, address })),
  );
  await plant(world);
  const plantedSeen = await capture.sees(packet => packet.source === planted && isPrivateSource(packet));
  await capture.stop();

  const leaks = capture.packets.filter(isLeak).map(leak => `${leak.device} ${leak.source} > ${leak.destination}`);
  expect(leaks.length === 0, `${leaks.length} packets leaked: ${leaks.slice(0, 5).join(', ')}`);
  expect(plantedSeen, `the capture did not see a packet from ${planted} that was planted on another wire`);
  expect(capture.lost === 0, `the capture lost ${capture.lost} packets`);
  const fromDevice = capture.packets.filter(({ device, direction }) => direction === 'in' && /^dev\d$/.test(device));
  for (const [device, source] of translated) {
    const seen = fromDevice.some(
      packet => packet.device === device && packet.source === source && packet.destination === address,
    );
    expect(seen, `the capture did not see what app1 and app3 sent, translated to ${source}, on ${device}`);
  }
  return `${fromDevice.length} packets seen from the device, none with a private source`;
}

/** What must be seen of ni1 and ni3: the uplinks' addresses. */
const translated = [
  ['dev0', '192.168.0.2'],
  ['dev1', '192.168.1.2'],
] as const;

/** Sends a packet with a private source from cloud1 to gw: the capture must find that one. */
async function plant(world: World): Promise<void> {
  const target = `UDP4-DATAGRAM:192.168.111.2:9,bind=${planted}:9,ip-transparent`;
  await world.exec('cloud1', 'socat', ['-u', '-', target], { input: 'planted' });
}
