import type { World } from '../../world/index.ts';
import { defineCheck, expect } from '../check.ts';
import { fetchOk } from '../curl.ts';
import { addressOfVif, app1ni1, app1ni2, app3ni3, type Vif } from './vifs.ts';

const url = 'http://169.254.169.254/eve/v1/network.json';

interface NetworkJson {
  'caller-ip': string;
  'external-ipv4': string;
  'app-instance-uuid': string;
}

export const metadataChecks = [
  defineCheck({
    id: 'C12',
    title: 'the metadata server tells callers apart by NI and address',
    networkInstance: 'ni1',
    see: async ({ world }) => {
      // app3 may well have the address in ni3 that app1 has in ni1.
      const [ni1, ni2, ni3] = await Promise.all([app1ni1, app1ni2, app3ni3].map(vif => ask(world, vif)));
      expect(ni1!['app-instance-uuid'] === ni2!['app-instance-uuid'], 'app1 is told two different UUIDs');
      expect(ni1!['app-instance-uuid'] !== ni3!['app-instance-uuid'], 'app1 and app3 are told the same UUID');
      expect(
        ni1!['external-ipv4'] === '192.168.0.2',
        `external-ipv4 of ni1 is ${ni1!['external-ipv4']}, not 192.168.0.2`,
      );
      expect(
        ni3!['external-ipv4'] === '192.168.1.2',
        `external-ipv4 of ni3 is ${ni3!['external-ipv4']}, not 192.168.1.2`,
      );
      return `callers ${[ni1, ni2, ni3].map(answer => answer!['caller-ip']).join(', ')}`;
    },
  }),
];

async function ask(world: World, vif: Vif): Promise<NetworkJson> {
  const { app, device, networkInstance } = vif;
  const { body } = await fetchOk(world, { from: app, device, url });
  const answer = JSON.parse(body) as NetworkJson;
  const address = await addressOfVif(world, vif);
  const caller = answer['caller-ip']?.split(':')[0]; // EVE adds the port
  expect(caller === address, `${app} is ${address} in ${networkInstance}, and is told caller-ip ${caller}`);
  expect(Boolean(answer['app-instance-uuid']), `${app} is told no app-instance-uuid in ${networkInstance}`);
  return answer;
}
