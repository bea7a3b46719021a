import { defineCheck, expect } from '../check.ts';
import { sayConnection, tcpConnections } from '../conntrack.ts';
import { fetchNothing, fetchOk } from '../curl.ts';
import { recordedDrop } from '../drops.ts';
import { portmap, transitAddress } from './vifs.ts';

const fromApp1 = { from: 'app1', device: 'eth0', url: portmap.url };

export const portmapChecks = [
  defineCheck({
    id: 'C09',
    title: 'app1 reaches app2 through the port map via ni1 (hairpin inside the device)',
    networkInstance: 'ni2',
    see: async ({ world }) => {
      await fetchOk(world, fromApp1, 'app2');
      return '200 "app2"';
    },
  }),
  defineCheck({
    id: 'C10',
    title: 'the device translates that hairpin to ni2’s transit address',
    networkInstance: 'ni2',
    see: async ({ world }) => {
      const { localPort } = await fetchOk(world, fromApp1, 'app2');
      const [source, target] = await Promise.all([transitAddress(world, 'ni1'), transitAddress(world, 'ni2')]);
      const connections = (await tcpConnections(world, 'device')).filter(
        ({ original }) => original.source === source && original.destination === portmap.address,
      );
      expect(connections.length > 0, `the device tracks no connection from ${source} to ${portmap.address}`);
      // The source port is app1's unless another flow of ni1 had it.
      const found = connections.find(({ original }) => original.sourcePort === localPort) ?? connections[0]!;
      expect(found.reply.source === target, `not translated to ${target}: ${sayConnection(found)}`);
      return sayConnection(found);
    },
  }),
  defineCheck({
    id: 'C11',
    title: 'app1 does not reach the port map via ni2; recorded as dropped',
    networkInstance: 'ni2',
    see: async context => {
      const since = Date.now();
      const { error } = await fetchNothing(context.world, { ...fromApp1, device: 'eth1' });
      const target = { destination: portmap.address, destinationPort: portmap.port };
      await recordedDrop(context, { networkInstance: 'ni2', app: 'app1', ...target, since });
      return `${error}; recorded`;
    },
  }),
  defineCheck({
    id: 'C15',
    title: 'app3 reaches app2 through the port map via ni3 (hairpin outside the device, seen on gw)',
    networkInstance: 'ni3',
    see: async ({ world, capture }) => {
      const { localPort } = await fetchOk(world, { from: 'app3', device: 'eth0', url: portmap.url }, 'app2');
      const passes = (device: string, direction: 'in' | 'out') =>
        capture.sees(
          packet =>
            packet.device === device &&
            packet.direction === direction &&
            packet.source === '192.168.1.2' &&
            packet.sourcePort === localPort &&
            packet.destination === portmap.address &&
            packet.destinationPort === portmap.port,
        );
      expect(
        await passes('dev1', 'in'),
        `gw did not see 192.168.1.2:${localPort} > ${portmap.address}:8080 come from eth1`,
      );
      expect(await passes('dev0', 'out'), 'gw saw it come, but not go back to eth0');
      return `200 "app2"; 192.168.1.2:${localPort} seen on gw from eth1 to eth0`;
    },
  }),
  defineCheck({
    id: 'C26',
    title: 'gw reaches app2 through the port map',
    networkInstance: 'ni2',
    see: async ({ world }) => {
      await fetchOk(world, { from: 'gw', url: portmap.url }, 'app2');
      return '200 "app2"';
    },
  }),
];
