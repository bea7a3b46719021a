import { defineCheck } from '../check.ts';
import { fetchOk } from '../curl.ts';

const url = 'http://192.168.0.1/';

export const vpnChecks = [
  defineCheck({
    id: 'C17',
    title: 'app4 reaches cloud1 at 192.168.0.1 through ni4’s tunnel',
    networkInstance: 'ni4',
    needs: 'vpn',
    see: async ({ world }) => {
      await fetchOk(world, { from: 'app4', device: 'eth0', url }, 'cloud1');
      return '200 "cloud1"';
    },
  }),
  defineCheck({
    id: 'C18',
    title: 'app5 reaches cloud2 at 192.168.0.1 through ni5’s tunnel',
    networkInstance: 'ni5',
    needs: 'vpn',
    see: async ({ world }) => {
      await fetchOk(world, { from: 'app5', device: 'eth0', url }, 'cloud2');
      return '200 "cloud2"';
    },
  }),
];
