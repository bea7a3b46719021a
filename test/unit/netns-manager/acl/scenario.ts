import type { RulesetInput } from '../../../../netns-manager/acl/ruleset.ts';
import { AceAction, AceDirection, NetworkInstanceType } from '../../../../shared/proto/messages.ts';
import { ace, localNi, vif, vpnTunnel } from './builders.ts';

/** ni1 of the scenario: one app with a host and an ip ACE. */
export const ni1: RulesetInput = {
  ni: localNi(),
  vifs: [vif({ acl: [ace(1, { host: 'github.com' }), ace(2, { ip: '192.168.0.0/16' })] })],
  hostAddresses: new Map([['app1', ['10.10.1.2']]]),
  bridge: 'br',
  uplinkDevice: 'uplink',
};

const web = { eidset: true, protocol: 'tcp', fport: '80' };

/** ni2 of the scenario: two apps that reach each other on port 80, and a port map. */
export const ni2: RulesetInput = {
  ...ni1,
  ni: localNi({
    name: 'ni2',
    ipv4: { subnet: '192.168.1.0/24', gateway: '192.168.1.1', rangeStart: '192.168.1.2', rangeEnd: '192.168.1.254' },
    transit: { address: '169.254.64.6/30', peer: '169.254.64.5', mtu: 1500, address6: '', peer6: '' },
  }),
  vifs: [
    vif({ vif: 'nbu2x1', vifNumber: 1, mac: '02:16:3e:00:01:01', ipv4: '192.168.1.2', acl: [ace(1, web)] }),
    vif({
      vif: 'nbu1x2',
      vifNumber: 2,
      appName: 'app2',
      mac: '02:16:3e:00:01:02',
      ipv4: '192.168.1.3',
      acl: [ace(1, web), ace(2, { action: AceAction.PORTMAP, protocol: 'tcp', lport: '8080', appPort: 80 })],
    }),
  ],
  hostAddresses: new Map(),
};

/** Both families, every match type and action, directions, static DNS and a route over an app; without flow log. */
export const everything: RulesetInput = {
  ...ni1,
  ni: localNi({
    ipv6: { subnet: 'fd00:1::/64', gateway: 'fd00:1::1', rangeStart: 'fd00:1::2', rangeEnd: 'fd00:1::ff' },
    transit: { address: '169.254.64.2/30', peer: '169.254.64.1', mtu: 1500, address6: 'fd77::2/126', peer6: 'fd77::1' },
    flowLog: false,
    dnsHosts: [{ name: 'printer.example', addresses: ['192.0.2.7', '2001:db8::7'] }],
    staticRoutes: [
      { destination: '172.16.0.0/12', gateway: '10.10.1.3' },
      { destination: '172.16.9.0/24', gateway: '10.10.1.3' },
      { destination: '198.18.0.0/15', gateway: '10.10.1.1' },
    ],
  }),
  vifs: [
    vif({ vifNumber: 3, vif: 'nbu1x3', appName: 'mute', mac: '02:16:3e:00:00:03', ipv4: '10.10.1.4' }),
    vif({
      ipv6: 'fd00:1::2',
      acl: [
        ace(1, { action: AceAction.DROP, ip: '203.0.113.0/24' }),
        ace(2, { ip: '203.0.113.0/25', protocol: 'tcp', fport: '443' }),
        ace(3, { ip: '198.51.100.7', protocol: 'tcp', fport: '80' }),
        ace(4, { ip: '198.51.100.8', protocol: 'tcp', fport: '80-90' }),
        ace(5, { ip: '2001:db8::/32' }),
        ace(6, { host: 'Example.com' }),
        ace(7, { host: '192.0.2.1' }),
        ace(8, { protocol: 'icmp' }),
        ace(9, { protocol: 'udp', lport: '5000', direction: AceDirection.INGRESS }),
        ace(10, { protocol: '132', fport: '9', direction: AceDirection.EGRESS }),
        ace(11, { action: AceAction.LIMIT, ip: '0.0.0.0/0', limitRate: 5, limitUnit: 'second', limitBurst: 15 }),
        ace(12, { ip: '192.0.2.99' }),
      ],
    }),
    vif({
      vifNumber: 2,
      vif: 'nbu1x2',
      appName: 'app2',
      mac: '02:16:3E:00:00:02',
      ipv4: '10.10.1.3',
      ipv6: 'fd00:1::3',
      acl: [
        ace(1, { action: AceAction.DROP, ip: '192.0.2.66' }),
        ace(2, { action: AceAction.PORTMAP, protocol: 'tcp', lport: '8080', appPort: 80 }),
        ace(3, { action: AceAction.PORTMAP, protocol: 'udp', lport: '5000-5010', appPort: 53, ip: '192.0.2.0/24' }),
        ace(4, { eidset: true, protocol: 'udp', lport: '7', fport: '1024-65535' }),
      ],
    }),
  ],
  hostAddresses: new Map([
    ['www.example.com', ['192.0.2.80', '2001:db8::80']],
    ['printer.example', ['192.0.2.7']],
  ]),
};

/** ni4 of the scenario: everything that no tunnel is for is dropped. A second tunnel waits to be called. */
export const ni4: RulesetInput = {
  ...ni1,
  ni: localNi({
    name: 'ni4',
    type: NetworkInstanceType.VPN,
    ipv4: { subnet: '10.10.10.0/24', gateway: '10.10.10.1', rangeStart: '10.10.10.2', rangeEnd: '10.10.10.254' },
    vpn: {
      localBreakout: false,
      tunnels: [
        vpnTunnel({ remoteSubnets: ['192.168.0.0/24', '192.168.0.128/25'] }),
        vpnTunnel({ name: 'branch', server: true, remoteGateway: '%any', remoteSubnets: ['10.20.0.0/24'], mtu: 1300 }),
      ],
    },
  }),
  vifs: [vif({ ipv4: '10.10.10.2', acl: [ace(1, { protocol: 'tcp', fport: '80' })] })],
  hostAddresses: new Map(),
};
