import type { RulesetInput } from '../../../../../netns-manager/acl/ruleset.ts';
import { AceAction, AceDirection, NetworkInstanceType } from '../../../../../shared/proto/messages.ts';
import { ace, localNi, vif } from '../builders.ts';

/** ni6 of the scenario: one app that is limited. */
export const ni6: RulesetInput = {
  ni: localNi({
    name: 'ni6',
    type: NetworkInstanceType.SWITCH,
    port: 'eth3',
    ipv4: null,
    transit: null,
    ports: [{ name: 'eth3', deviceEnd: 'eth3-dev' }],
  }),
  vifs: [
    vif({
      vif: 'nbu1x6',
      appName: 'app6',
      ipv4: '',
      acl: [
        ace(1, {
          action: AceAction.LIMIT,
          ip: '192.168.0.0/16',
          limitRate: 5,
          limitUnit: 'second',
          limitBurst: 15,
        }),
      ],
    }),
  ],
  hostAddresses: new Map(),
  bridge: 'br',
  uplinkDevice: 'uplink',
};

/** Both families, every match type and action, directions, a DHCP server and a router; two ports, without flow log. */
export const everything: RulesetInput = {
  ...ni6,
  ni: localNi({
    ...ni6.ni,
    flowLog: false,
    ports: [
      { name: 'eth3', deviceEnd: 'eth3-dev' },
      { name: 'eth4', deviceEnd: 'eth4-dev' },
    ],
  }),
  vifs: [
    vif({ vifNumber: 3, vif: 'nbu1x3', appName: 'mute', mac: '02:16:3e:00:00:03', ipv4: '' }),
    vif({
      ipv4: '',
      acl: [
        ace(1, { action: AceAction.DROP, ip: '203.0.113.0/24' }),
        ace(2, { ip: '203.0.113.0/25', protocol: 'tcp', fport: '443' }),
        ace(3, { ip: '198.51.100.7', protocol: 'tcp', fport: '80' }),
        ace(4, { ip: '198.51.100.8', protocol: 'tcp', fport: '80-90' }),
        ace(5, { ip: '2001:db8::/32' }),
        ace(6, { protocol: 'icmp' }),
        ace(7, { protocol: 'udp', lport: '5000', direction: AceDirection.INGRESS }),
        ace(8, { protocol: '132', fport: '9', direction: AceDirection.EGRESS }),
        ace(9, { action: AceAction.LIMIT, ip: '0.0.0.0/0', limitRate: 5, limitUnit: 'minute', limitBurst: 0 }),
      ],
    }),
    vif({
      vifNumber: 2,
      vif: 'nbu1x2',
      appName: 'router',
      mac: '02:16:3E:00:00:02',
      ipv4: '',
      acl: [
        ace(1, { protocol: 'udp', lport: '67' }),
        ace(2, { protocol: 'udp', lport: '500-600' }),
        ace(3, { protocol: 'icmpv6' }),
        ace(4, { protocol: 'tcp', lport: '22', fport: '1024-65535' }),
      ],
    }),
  ],
};

/** Nobody is attached, and there is no port. */
export const empty: RulesetInput = { ...ni6, ni: localNi({ ...ni6.ni, port: '', ports: [] }), vifs: [] };
