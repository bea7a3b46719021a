import { z } from 'zod';
import { NAME_PATTERN } from '../names.ts';
import { resourcesSchema } from './resources.ts';
import { flag, list, mapping, number, oneOf, orNothing, text } from './schema-parts.ts';
import { supervisionSchema } from './supervision.ts';
import { vpnSchema } from './vpn-schema.ts';

/**
 * nibox's own configuration format. Each schema's error text says what is expected; for unknown keys it lists the known ones
 * (native/shape.ts makes issues of both). Descriptions go into the JSON Schema; docs/configuration.md has all options.
 */

const nameText = z.string({ error: 'a name, for example app1' }).regex(NAME_PATTERN, {
  error: 'up to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
});
const uuidText = text('a UUID').regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, {
  error: 'a UUID, for example 6ba7b810-9dad-11d1-80b4-00c04fd430c8',
});
const addressList = list(text('an IP address'), 'a list of IP addresses, for example [192.168.0.1]');
const serverList = list(text('an IP address or a host name'), 'a list of servers, for example [pool.ntp.org]');

export const deviceSchema = mapping(
  {
    name: orNothing(text('the name of the device')),
    uuid: orNothing(uuidText),
    projectName: orNothing(text('a name')),
    projectUuid: orNothing(uuidText),
    enterpriseName: orNothing(text('a name')),
    enterpriseUuid: orNothing(uuidText),
  },
  'a mapping, for example { name: demo }',
).describe('Who this device is; apps see it at the metadata server.');

const uplinkShape = {
  interface: orNothing(text('the name of an interface, for example eth0')),
  labels: orNothing(list(text('a label'), 'a list of labels, for example [uplink]')).describe(
    'Labels shared with others.',
  ),
  cost: orNothing(number('a whole number from 0 to 255')).describe('Uplinks of lower cost are preferred.'),
  gateway: orNothing(text('an IP address')).describe("Next hop; absent: the kernel's default route."),
  dns: orNothing(addressList).describe("DNS servers behind this uplink; absent: the device's own."),
  ntp: orNothing(serverList).describe('NTP servers behind this uplink.'),
};
/** Inside a mapping of uplinks, where the key is the label. */
export const uplinkBodySchema = mapping(uplinkShape, 'a mapping, for example { interface: eth0 }');
export const uplinkSchema = mapping(
  {
    label: orNothing(text('a label')).describe('What ports of network instances name; default: the interface.'),
    ...uplinkShape,
  },
  'a mapping, for example { interface: eth0 }',
);

const rangeSchema = mapping(
  { start: orNothing(text('an IP address')), end: orNothing(text('an IP address')) },
  'a mapping, for example { start: 10.10.1.100, end: 10.10.1.199 }',
);

export const networkInstanceSchema = mapping(
  {
    name: nameText,
    uuid: orNothing(uuidText),
    type: orNothing(oneOf('local', 'switch', 'vpn')).describe('Default: local.'),
    activate: orNothing(flag()).describe('Default: true.'),
    port: orNothing(text('the label of an uplink')).describe('Label of one or more uplinks; absent: air-gapped.'),
    mtu: orNothing(number('a whole number of bytes, for example 1500')).describe('1280 to 65535. Default: 1500.'),
    subnet: orNothing(text('an IPv4 subnet, for example 10.10.1.0/24')),
    gateway: orNothing(text('an IPv4 address')).describe("Default: the subnet's first address."),
    dhcpRange: orNothing(rangeSchema).describe('First and last address for apps without a static one.'),
    subnet6: orNothing(text('an IPv6 subnet, for example fd00:0:0:1::/64')),
    gateway6: orNothing(text('an IPv6 address')),
    dhcpRange6: orNothing(rangeSchema),
    dns: orNothing(
      mapping(
        {
          servers: orNothing(addressList).describe("Told to apps instead of the network instance's own DNS."),
          domain: orNothing(text('a domain name')),
          hosts: orNothing(
            z.record(z.string(), list(text('an IP address'), 'a list of IP addresses, for example [10.10.1.5]'), {
              error: 'a mapping of names to lists of addresses, for example { printer: [10.10.1.5] }',
            }),
          ).describe('Static DNS entries.'),
        },
        'a mapping, for example { servers: [10.10.1.1] }',
      ),
    ),
    ntp: orNothing(serverList),
    routes: orNothing(
      list(
        mapping(
          { destination: text('a network, for example 172.16.0.0/12'), gateway: text('an IP address') },
          'a mapping, for example { destination: 172.16.0.0/12, gateway: 10.10.1.5 }',
        ),
        'a list of routes',
      ),
    ).describe('Static routes.'),
    propagateConnectedRoutes: orNothing(flag()).describe(
      "Tell apps the routes to the uplinks' subnets. Default: false.",
    ),
    flowLog: orNothing(flag()).describe('Default: true.'),
    vpn: orNothing(vpnSchema),
    resources: orNothing(resourcesSchema),
  },
  'a mapping with at least a name',
).describe('A network of its own for apps, in a network namespace of its own.');

const portText = z.union([z.string(), z.number()], { error: 'a port or a range, for example 80 or 80-90' });

export const aceSchema = mapping(
  {
    id: orNothing(number('a whole number from 1 to 4194302')),
    name: orNothing(text('a name')),
    direction: orNothing(oneOf('both', 'ingress', 'egress')).describe('ingress: towards the app. Default: both.'),
    ip: orNothing(text('an IP address or subnet, for example 192.0.2.0/24')).describe('The other side is in here.'),
    host: orNothing(text('a host name, for example github.com')).describe(
      'The other side is this host or a subdomain.',
    ),
    eidset: orNothing(flag()).describe("The other side is one of the network instance's apps or static DNS entries."),
    protocol: orNothing(
      z.union([z.string(), z.number()], { error: 'tcp, udp, icmp, icmpv6, sctp or a number' }),
    ).describe('tcp, udp, icmp, icmpv6, sctp or a number.'),
    lport: orNothing(portText).describe("The app's port; in a port map the uplink's."),
    fport: orNothing(portText).describe("The other side's port."),
    adapter: orNothing(text('the label of an uplink')).describe('Port maps only: on this uplink.'),
    allow: orNothing(flag()).describe('The default action.'),
    drop: orNothing(flag()),
    limit: orNothing(
      mapping(
        {
          rate: orNothing(number('a number of packets')),
          per: orNothing(text('second, minute, hour or day')),
          burst: orNothing(number('a number of packets')).describe('Default: 5.'),
        },
        'a mapping, for example { rate: 5, per: second, burst: 15 }',
      ),
    ),
    portmap: orNothing(number("the app's port, for example 80")).describe("The app's port."),
  },
  'a mapping, for example { host: github.com }',
).describe('An access control entry: all its matches must hold; the first entry that fits decides.');

const interfaceShape = {
  networkInstance: text('the name of a network instance'),
  name: orNothing(nameText).describe(
    'Unique among interfaces of this app in this network instance. Default: the device.',
  ),
  device: orNothing(text("the interface's name in the app, for example eth0")).describe('Default: eth<position>.'),
  mac: orNothing(text('a MAC address, for example 02:16:3e:00:00:01')),
  address: orNothing(text('an IPv4 address')).describe('Static, outside the DHCP range.'),
  address6: orNothing(text('an IPv6 address')),
  accessVlan: orNothing(number('a VLAN id from 2 to 4093')).describe('On switches only; absent: a trunk.'),
};
const interfaceExpected = 'a mapping, for example { networkInstance: ni1 }';
const aclExpected = 'a list of access control entries';
const interfaceSchema = mapping({ ...interfaceShape, acl: orNothing(list(aceSchema, aclExpected)) }, interfaceExpected);
export const interfaceShell = mapping(
  { ...interfaceShape, acl: orNothing(list(z.unknown(), aclExpected)) },
  interfaceExpected,
);

const appShape = {
  name: nameText,
  uuid: orNothing(uuidText),
  activate: orNothing(flag()).describe('Default: true.'),
  attach: orNothing(
    mapping(
      {
        netns: orNothing(text('the name or path of a network namespace')),
        pid: orNothing(number('a process id')),
        tap: orNothing(flag()).describe(
          'A TAP device in the namespace of the network instance, for a virtual machine.',
        ),
        user: orNothing(z.union([z.string(), z.number()], { error: 'the name or number of a user' })).describe(
          'With tap: who may open it. Default: root.',
        ),
      },
      'a mapping with one of netns, pid and tap',
    ),
  ).describe('Absent: waits for a network namespace of its own name, with or without the instance prefix.'),
};
const appExpected = 'a mapping with a name and interfaces';
const interfacesExpected = 'a list of interfaces';
const appSchema = mapping(
  { ...appShape, interfaces: orNothing(list(interfaceSchema, interfacesExpected)) },
  appExpected,
);
export const appShell = mapping(
  { ...appShape, interfaces: orNothing(list(z.unknown(), interfacesExpected)) },
  appExpected,
);

const documentShape = {
  $schema: orNothing(text('the address of a JSON Schema')).describe('For editors.'),
  device: orNothing(deviceSchema),
  transitPool: orNothing(text('an IPv4 network, for example 169.254.64.0/18')).describe(
    'Addresses of the links between the device and its network instances. Default: 169.254.64.0/18.',
  ),
  uidBase: orNothing(number('a whole number')).describe('First uid for the network instances. Default: 200000.'),
  userNamespaces: orNothing(flag()).describe('Seal network instances in user namespaces. Default: true.'),
  forwardBetweenUplinks: orNothing(flag()).describe('Default: false.'),
  supervision: orNothing(supervisionSchema),
  resources: orNothing(resourcesSchema),
};
const uplinksExpected = 'a list of uplinks, or a mapping of labels to uplinks';
const nisExpected = 'a list of network instances';
const appsExpected = 'a list of apps';
const documentExpected = 'a mapping with networkInstances and apps';
export const documentShell = mapping(
  {
    ...documentShape,
    uplinks: orNothing(z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())], { error: uplinksExpected })),
    networkInstances: orNothing(list(z.unknown(), nisExpected)),
    apps: orNothing(list(z.unknown(), appsExpected)),
  },
  documentExpected,
);
/** The whole format. Readers take documents apart by the shells instead, so that one bad element hides no other. */
export const documentSchema = mapping(
  {
    ...documentShape,
    uplinks: orNothing(
      z.union([z.array(uplinkSchema), z.record(z.string(), uplinkBodySchema.nullable())], { error: uplinksExpected }),
    ),
    networkInstances: orNothing(list(networkInstanceSchema, nisExpected)),
    apps: orNothing(list(appSchema, appsExpected)),
  },
  documentExpected,
);
