import { setTimeout as sleep } from 'node:timers/promises';
import { type CheckContext, defineCheck, expect } from '../check.ts';
import { fetchNothing, fetchOk } from '../curl.ts';
import { interfaceOf, readStatus } from '../nibox.ts';
import { siteRequest } from './internet.ts';
import { addressOfVif, app6ni6, portmap } from './vifs.ts';

/** Milliseconds for an address to be learnt from what passes the switch. */
const learnTimeoutMs = 10_000;
/** app6's ACE: packets at once, packets per second after that. */
const limit = { burst: 15, rate: 5 };
const datagrams = 60;
/** Port on gw that the datagrams go to; nobody listens, they are counted on the wire. */
const countedPort = 40009;

export const switchChecks = [
  defineCheck({
    id: 'C22',
    title: 'app6 gets a lease from gw through the switch; its address is shown in the status',
    networkInstance: 'ni6',
    needs: 'switch',
    see: async ({ world, nibox }) => {
      const address = await addressOfVif(world, app6ni6);
      expect(address.startsWith('192.168.3.'), `app6 was given ${address}`);
      const deadline = Date.now() + learnTimeoutMs;
      let shown: string[];
      do {
        shown = interfaceOf(await readStatus(nibox), 'app6', 'ni6').leased;
        if (shown.includes(address)) return `${address}, learnt`;
        await sleep(500);
      } while (Date.now() < deadline);
      expect(false, `app6 has ${address}, but the status says ${shown.join(' ') || 'nothing'}`);
    },
  }),
  defineCheck({
    id: 'C23',
    title: 'app6 reaches app2 through the port map, and is limited to bursts of 15 packets and 5/s',
    networkInstance: 'ni6',
    needs: 'switch',
    alone: true,
    see: async context => {
      await fetchOk(context.world, { from: 'app6', device: 'eth0', url: portmap.url }, 'app2');
      return `200 "app2"; ${await seeLimit(context)}`;
    },
  }),
  defineCheck({
    id: 'C24',
    title: 'app6 does not reach google.com',
    networkInstance: 'ni6',
    needs: 'switch',
    see: async ({ world }) => {
      const { error } = await fetchNothing(world, await siteRequest(world, app6ni6, 'google.com'));
      return error;
    },
  }),
];

async function seeLimit({ world, capture }: CheckContext): Promise<string> {
  await sleep((1000 * limit.burst) / limit.rate); // the burst fills up again
  const address = await addressOfVif(world, app6ni6);
  const send = `i=0; while [ $i -lt ${datagrams} ]; do echo; i=$((i+1)); sleep 0.005; done`;
  // Unconnected: the port is closed, and the first "unreachable" would end a connected socket.
  const target = `UDP4-SENDTO:192.168.3.1:${countedPort},so-bindtodevice=eth0`;
  const since = Date.now();
  await world.exec('app6', 'sh', ['-c', `(${send}) | socat -u - ${target}`]);
  const seconds = (Date.now() - since) / 1000;
  await sleep(500);
  const passed = capture.packets.filter(
    packet => packet.direction === 'in' && packet.source === address && packet.destinationPort === countedPort,
  ).length;
  const most = limit.burst + Math.ceil(limit.rate * seconds) + 1;
  expect(passed > 0, 'not one datagram of app6 reached gw');
  expect(
    passed <= most,
    `${passed} of ${datagrams} datagrams passed in ${seconds.toFixed(1)} s, ${most} at most should`,
  );
  return `${passed} of ${datagrams} datagrams passed in ${seconds.toFixed(1)} s`;
}
