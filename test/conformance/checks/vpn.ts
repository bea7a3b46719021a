import { setTimeout as sleep } from 'node:timers/promises';
import { responderFiles, responderName } from '../../world/index.ts';
import type { Packet } from '../capture.ts';
import { type CheckContext, defineCheck, expect } from '../check.ts';
import { fetchNothing, fetchOk } from '../curl.ts';
import { instanceNamed, readStatus, type TunnelReport } from '../nibox.ts';
import { patience } from '../patience.ts';
import { portmap } from './vifs.ts';

const url = 'http://192.168.0.1/';
/** The network behind both clouds is eth0's too: a packet for it that leaves by another uplink is a leak. */
const remoteNetwork = /^192\.168\.0\.\d+$/;

/** A VPN network instance of the scenario, and the cloud at the other end. */
const tunnels = [
  { networkInstance: 'ni4', app: 'app4', cloud: 'cloud1', uplink: 'dev1' },
  { networkInstance: 'ni5', app: 'app5', cloud: 'cloud2', uplink: 'dev2' },
] as const;
const [ni4] = tunnels;

/** Milliseconds for a tunnel to come up again when its peer is back; attempts are some seconds apart by then. */
const recoveryMs = 60_000 * patience;
/** Times that app4 tries to connect while the peer is away. */
const attempts = 5;

export const vpnChecks = [
  defineCheck({
    id: 'C16',
    title: 'both tunnels are up, unasked, and shown in the status with SPIs and bytes',
    networkInstance: 'ni4',
    needs: 'vpn',
    see: async context => {
      const seen = await Promise.all(
        tunnels.map(async ({ networkInstance, app, cloud }) => {
          const before = await untilUp(context, networkInstance);
          await fetchOk(context.world, { from: app, device: 'eth0', url }, cloud);
          const after = await untilBytesGrow(context, networkInstance, before);
          const [child] = after.children;
          await expectSamePeer(context, cloud, child!.spiIn, child!.spiOut);
          return `${networkInstance} ${child!.spiIn}/${child!.spiOut}, ${child!.bytesIn} B in`;
        }),
      );
      return seen.join('; ');
    },
  }),
  ...tunnels.map(({ networkInstance, app, cloud }) =>
    defineCheck({
      id: cloud === 'cloud1' ? 'C17' : 'C18',
      title: `${app} reaches ${cloud} at 192.168.0.1 through ${networkInstance}’s tunnel`,
      networkInstance,
      needs: 'vpn',
      see: async ({ world }) => {
        await fetchOk(world, { from: app, device: 'eth0', url }, cloud);
        return `200 "${cloud}"`;
      },
    }),
  ),
  defineCheck({
    id: 'C20',
    title: 'no connection and no clear text while ni4’s peer is down',
    networkInstance: 'ni4',
    needs: 'vpn',
    alone: true,
    see: seeNoClearText,
  }),
  defineCheck({
    id: 'C21',
    title: 'ni4’s tunnel comes back with its peer by itself, and ni5 never notices',
    networkInstance: 'ni4',
    needs: 'vpn',
    alone: true,
    see: seeRecovery,
  }),
];

async function seeNoClearText(context: CheckContext): Promise<string> {
  const { world, capture } = context;
  await untilUp(context, ni4.networkInstance);
  const from = capture.packets.length;
  const isClear = (packet: Packet) =>
    packet.device === ni4.uplink &&
    packet.direction === 'in' &&
    remoteNetwork.test(packet.destination) &&
    packet.destinationPort !== portmap.port;
  return withPeerAway(context, async () => {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      await fetchNothing(world, { from: ni4.app, device: 'eth0', url });
    }
    // What ni3 may send to that network by the same uplink shows that the capture would see it.
    await fetchOk(world, { from: 'app3', device: 'eth0', url: portmap.url }, 'app2');
    const control = (packet: Packet) => packet.device === ni4.uplink && packet.destinationPort === portmap.port;
    expect(
      await capture.sees(packet => capture.packets.indexOf(packet) >= from && control(packet)),
      `the capture did not see app3's packet to ${portmap.address} on ${ni4.uplink}`,
    );
    const leaks = capture.packets.slice(from).filter(isClear);
    expect(leaks.length === 0, `${leaks.length} packets for 192.168.0.0/24 left by ${ni4.uplink} in clear`);
    return `${attempts} attempts, no connection, no packet in clear; the capture saw app3's`;
  });
}

async function seeRecovery(context: CheckContext): Promise<string> {
  const { world } = context;
  const before = await untilUp(context, 'ni5');
  await untilUp(context, ni4.networkInstance);
  await withPeerAway(context, async () => {
    await fetchNothing(world, { from: ni4.app, device: 'eth0', url });
    await fetchOk(world, { from: 'app5', device: 'eth0', url }, 'cloud2');
  });
  const since = Date.now();
  await untilUp(context, ni4.networkInstance);
  await fetchOk(world, { from: ni4.app, device: 'eth0', url }, ni4.cloud);
  const seconds = ((Date.now() - since) / 1000).toFixed(1);
  const after = await untilUp(context, 'ni5');
  const same = after.initiatorSpi === before.initiatorSpi && after.responderSpi === before.responderSpi;
  expect(same, `ni5's IKE SA was ${before.initiatorSpi}, and is ${after.initiatorSpi}`);
  return `up again ${seconds} s after its peer, and fetched from ${ni4.cloud}; ni5 kept its SA`;
}

/** Takes cloud1's responder down (it says goodbye to its peer), does the work, and brings it back whatever happened. */
async function withPeerAway<T>({ world }: CheckContext, work: () => Promise<T>): Promise<T> {
  const service = responderName(ni4.cloud);
  await world.endService(service);
  try {
    return await work();
  } finally {
    await world.restartService(service);
  }
}

/** Waits until a network instance's only tunnel is up as its status shows it. */
async function untilUp({ nibox }: CheckContext, networkInstance: string): Promise<TunnelReport> {
  const deadline = Date.now() + recoveryMs;
  for (;;) {
    const { vpn } = instanceNamed(await readStatus(nibox), networkInstance);
    const tunnel = vpn?.tunnels[0];
    if (tunnel?.state === 'up' && tunnel.children.length > 0) return tunnel;
    const why = tunnel ? `${tunnel.state} ${tunnel.error}` : (vpn?.error ?? 'not shown');
    expect(Date.now() < deadline, `the tunnel of ${networkInstance} is not up: ${why}`);
    await sleep(250);
  }
}

/** The status is some seconds behind. */
async function untilBytesGrow(
  context: CheckContext,
  networkInstance: string,
  before: TunnelReport,
): Promise<TunnelReport> {
  const deadline = Date.now() + 10_000 * patience;
  const received = ({ children }: TunnelReport) => children.reduce((sum, { bytesIn }) => sum + bytesIn, 0);
  for (;;) {
    const tunnel = await untilUp(context, networkInstance);
    if (received(tunnel) > received(before)) return tunnel;
    expect(Date.now() < deadline, `${networkInstance} shows ${received(tunnel)} bytes received, no more than before`);
    await sleep(250);
  }
}

/** The peer's own tool must show the same two SPIs. */
async function expectSamePeer({ world }: CheckContext, cloud: string, ...spis: string[]): Promise<void> {
  const socket = responderFiles(world.runDirectory, cloud).viciSocket;
  const { stdout } = await world.exec(cloud, 'swanctl', ['--list-sas', '--uri', `unix://${socket}`]);
  for (const spi of spis) expect(stdout.includes(spi), `${cloud} knows no SPI ${spi}`);
}
