import { gatewayDhcp, sites, wires } from './layout.ts';

/**
 * Configuration of gw's dnsmasq: DNS on every address of gw, DHCP only towards the device's eth3. It knows the web sites
 * and the clouds and says NXDOMAIN to everything else: names of apps are none of its business. (`local` beside `address`:
 * the name exists, it just has no IPv6 address.)
 */
export function gatewayDnsmasqConf(leaseFile: string): string {
  const otherDevices = wires
    .flatMap(({ ends }) => ends)
    .filter(end => end.member === 'gw' && end.device !== gatewayDhcp.device)
    .map(end => end.device);
  return [
    'keep-in-foreground',
    'user=root',
    'pid-file=',
    'conf-dir=',
    'no-resolv',
    'no-hosts',
    'no-ping',
    'log-facility=-',
    'log-dhcp',
    ...Object.entries(sites).flatMap(([name, address]) => [`address=/${name}/${address}`, `local=/${name}/`]),
    'host-record=cloud1,192.168.111.1',
    'host-record=cloud2,192.168.222.1',
    'address=/#/',
    'dhcp-authoritative',
    `dhcp-leasefile=${leaseFile}`,
    `dhcp-range=${gatewayDhcp.start},${gatewayDhcp.end},255.255.255.0,1h`,
    `dhcp-option=option:router,${gatewayDhcp.router}`,
    `dhcp-option=option:dns-server,${gatewayDhcp.router}`,
    ...otherDevices.map(device => `no-dhcp-interface=${device}`),
    'no-dhcp-interface=lo',
    '',
  ].join('\n');
}
