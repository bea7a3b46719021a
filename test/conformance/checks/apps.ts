import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../../world/index.ts';
import { type AceCount, aceGrowth, countAces, sayAces, settledCounts } from '../ace-counters.ts';
import { type CheckContext, defineCheck, expect } from '../check.ts';
import { sayConnection, tcpConnections, userMark } from '../conntrack.ts';
import { type CurlRequest, fetchNothing, fetchOk } from '../curl.ts';
import { addressOf } from '../dns.ts';
import { recordedDrop } from '../drops.ts';
import { interfaceOf, readStatus } from '../nibox.ts';
import { patience } from '../patience.ts';
import { siteRequest } from './internet.ts';
import { addressOfVif, app1ni2, app2ni2 } from './vifs.ts';

/** Milliseconds for counters to show up in the status: on a slow machine they are read less often (see TrafficSampler). */
const counterTimeoutMs = 20_000 * patience;
/** Looks at what a flow has counted: the first may still see flows of earlier checks, whose counters were read late. */
const counterLooks = 3;

async function toApp2(world: World, port = 80): Promise<CurlRequest & { address: string }> {
  const { app, device } = app1ni2;
  return { from: app, device, url: `http://app2:${port}/`, address: await addressOf(world, app, device, 'app2') };
}

export const appChecks = [
  defineCheck({
    id: 'C06',
    title: 'app1 reaches app2 via ni2, by name',
    networkInstance: 'ni2',
    see: async ({ world }) => {
      const request = await toApp2(world);
      expect(request.address === (await addressOfVif(world, app2ni2)), `ni2 resolves app2 to ${request.address}`);
      await fetchOk(world, request, 'app2');
      return `200 "app2" from ${request.address}`;
    },
  }),
  defineCheck({
    id: 'C07',
    title: 'a flow from app1 to app2 is counted by their eidset ACEs and by no other',
    networkInstance: 'ni2',
    alone: true,
    see: async context => {
      for (let look = 1; ; look++) {
        const grown = await countedByFlow(context);
        expect(grown.some(isApp1Eidset), `app1's ACE 1 in ni2 did not grow (what grew: ${sayAces(grown)})`);
        // app2's ACL has to agree to the flow, so its eidset ACE may count it as well.
        const others = grown.filter(ace => !isApp1Eidset(ace) && !isApp2Eidset(ace));
        if (others.length === 0) return sayAces(grown);
        expect(look < counterLooks, `grew as well, ${counterLooks} times: ${sayAces(others)}`);
      }
    },
  }),
  defineCheck({
    id: 'C08',
    title: 'the flow from app1 to app2 is tracked and marked in ni2',
    networkInstance: 'ni2',
    see: async ({ world, nibox }) => {
      const { localPort } = await fetchOk(world, await toApp2(world), 'app2');
      const source = await addressOfVif(world, app1ni2);
      const connections = await tcpConnections(world, 'ni2');
      const found = connections.find(({ original }) => original.source === source && original.sourcePort === localPort);
      expect(found !== undefined, `conntrack in ni2 has no connection from ${source}:${localPort}`);
      const { vifNumber } = interfaceOf(await readStatus(nibox), 'app1', 'ni2');
      const mark = userMark(vifNumber, 1);
      expect(found.mark === mark, `the mark is not 0x${mark.toString(16)}: ${sayConnection(found)}`);
      return sayConnection(found);
    },
  }),
  defineCheck({
    id: 'C13',
    title: 'app2 reaches app1, and does not reach github.com',
    networkInstance: 'ni2',
    see: async ({ world }) => {
      const { app, device } = app2ni2;
      const address = await addressOf(world, app, device, 'app1');
      await fetchOk(world, { from: app, device, url: 'http://app1/', address }, 'app1');
      const { error } = await fetchNothing(world, await siteRequest(world, app2ni2, 'github.com'));
      return `200 "app1"; ${error}`;
    },
  }),
  defineCheck({
    id: 'C31',
    title: 'app1 does not reach app2:81, bridged within ni2; recorded as dropped',
    networkInstance: 'ni2',
    see: async context => {
      const { world } = context;
      await fetchOk(world, { from: 'app2', url: 'http://127.0.0.1:81/' }, 'app2'); // it listens
      const since = Date.now();
      const request = await toApp2(world, 81);
      const { error } = await fetchNothing(world, request);
      const target = { destination: request.address, destinationPort: 81 };
      await recordedDrop(context, { networkInstance: 'ni2', app: 'app1', ...target, since });
      return `${error}; recorded`;
    },
  }),
];

/** The ACEs that grew when app1 had fetched a page of app2. */
async function countedByFlow({ world, nibox }: CheckContext): Promise<AceCount[]> {
  const before = await settledCounts(nibox);
  await fetchOk(world, await toApp2(world), 'app2');
  const deadline = Date.now() + counterTimeoutMs;
  for (;;) {
    await sleep(250);
    const grown = aceGrowth(before, await countAces(nibox));
    if (grown.some(isApp1Eidset) || Date.now() > deadline) return grown;
  }
}

const isApp1Eidset = (ace: AceCount) => ace.networkInstance === 'ni2' && ace.app === 'app1' && ace.aceId === 1;
const isApp2Eidset = (ace: AceCount) => ace.networkInstance === 'ni2' && ace.app === 'app2' && ace.aceId === 1;
