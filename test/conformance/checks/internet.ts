import { sites, type World } from '../../world/index.ts';
import { defineCheck, expect } from '../check.ts';
import { sayConnection, tcpConnections, userMark } from '../conntrack.ts';
import { type CurlRequest, fetchNothing, fetchOk } from '../curl.ts';
import { addressOf } from '../dns.ts';
import { recordedDrop } from '../drops.ts';
import { interfaceOf, readStatus } from '../nibox.ts';
import { addressOfVif, app1ni1, app3ni3, transitAddress, type Vif } from './vifs.ts';

/** GET of a site, its name resolved by the NI's DNS. */
export async function siteRequest(world: World, { app, device }: Vif, site: string): Promise<CurlRequest> {
  const address = await addressOf(world, app, device, site);
  return { from: app, device, url: `http://${site}/`, address };
}

export const internetChecks = [
  defineCheck({
    id: 'C02',
    title: 'app1 reaches github.com via ni1, resolved by ni1',
    networkInstance: 'ni1',
    see: async ({ world }) => {
      const request = await siteRequest(world, app1ni1, 'github.com');
      expect(request.address === sites['github.com'], `ni1 resolves github.com to ${request.address}`);
      await fetchOk(world, request, 'github.com');
      return `200 from ${request.address}`;
    },
  }),
  defineCheck({
    id: 'C03',
    title: 'app1 does not reach google.com via ni1',
    networkInstance: 'ni1',
    see: async ({ world }) => {
      const request = await siteRequest(world, app1ni1, 'google.com');
      expect(request.address === sites['google.com'], `ni1 resolves google.com to ${request.address}`);
      const { error } = await fetchNothing(world, request);
      return error;
    },
  }),
  defineCheck({
    id: 'C04',
    title: 'the flow to github.com is translated to ni1’s transit address and marked with ACE 1',
    networkInstance: 'ni1',
    see: async ({ world, nibox }) => {
      const { localPort } = await fetchOk(world, await siteRequest(world, app1ni1, 'github.com'), 'github.com');
      const address = await addressOfVif(world, app1ni1);
      const connections = await tcpConnections(world, 'ni1');
      const found = connections.find(
        ({ original }) => original.source === address && original.sourcePort === localPort,
      );
      expect(found !== undefined, `conntrack in ni1 has no connection from ${address}:${localPort}`);
      const transit = await transitAddress(world, 'ni1');
      expect(found.reply.destination === transit, `not translated to ${transit}: ${sayConnection(found)}`);
      const { vifNumber } = interfaceOf(await readStatus(nibox), 'app1', 'ni1');
      const mark = userMark(vifNumber, 1);
      expect(found.mark === mark, `the mark is not 0x${mark.toString(16)}: ${sayConnection(found)}`);
      return sayConnection(found);
    },
  }),
  defineCheck({
    id: 'C05',
    title: 'the flow to google.com is in ni1’s flow log as dropped by the default rule',
    networkInstance: 'ni1',
    see: async context => {
      const since = Date.now();
      const request = await siteRequest(context.world, app1ni1, 'google.com');
      await fetchNothing(context.world, request);
      const target = { destination: sites['google.com'], destinationPort: 80 };
      const flow = await recordedDrop(context, { networkInstance: 'ni1', app: 'app1', ...target, since });
      return `${flow.source} > ${flow.destination}:${flow.destinationPort} ${flow.action}, ACE ${flow.aceId}`;
    },
  }),
  defineCheck({
    id: 'C14',
    title: 'app3 reaches github.com and google.com via ni3',
    networkInstance: 'ni3',
    see: async ({ world }) => {
      for (const site of Object.keys(sites)) await fetchOk(world, await siteRequest(world, app3ni3, site), site);
      return '200, 200';
    },
  }),
  defineCheck({
    id: 'C19',
    title: 'app1 reaches gw, never a cloud, at 192.168.0.1 via ni1',
    networkInstance: 'ni1',
    see: async ({ world }) => {
      await fetchOk(world, { from: 'app1', device: 'eth0', url: 'http://192.168.0.1/' }, 'gw');
      return '200 "gw"';
    },
  }),
];
