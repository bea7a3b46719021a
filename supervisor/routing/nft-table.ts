import { cidrContains, formatCidr, parseCidr } from '../../shared/net/address.ts';
import { type ConnectedInstance, connected, type RootIntent } from './intent.ts';

export const tableName = (prefix: string) => `inet nibox_${prefix}`;

/** The whole table, to be loaded in one transaction that replaces what is there. */
export function nftTable(intent: RootIntent, indexOf: (uplink: string) => number): string {
  const instances = connected(intent);
  const table = tableName(intent.prefix);
  return [
    `add table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    ...portmapChains(intent, instances, indexOf),
    ...postrouting(intent, instances),
    ...forward(intent, instances),
    ...input(intent, instances),
    '}',
    '',
  ].join('\n');
}

/** Port maps work from outside and, on the addresses of an instance's own uplink, from inside the device. */
function portmapChains(
  intent: RootIntent,
  instances: readonly ConnectedInstance[],
  indexOf: (uplink: string) => number,
): string[] {
  const chains: string[] = [];
  const entries: string[] = [];
  for (const uplink of sortedUplinks(intent)) {
    const targets = new Map<string, string>(); // the kernel refuses a key twice: the lowest instance has it
    for (const { portmaps, innerAddress } of instances) {
      for (const map of portmaps.filter(portmap => portmap.uplink === uplink.interface)) {
        const key = `${map.protocol} . ${map.port}`;
        if (!targets.has(key)) targets.set(key, innerAddress);
      }
    }
    if (targets.size === 0 || uplink.addresses.length === 0) continue;
    const chain = `pm_${indexOf(uplink.interface)}`;
    const map = [...targets].map(([key, target]) => `${key} : ${target}`);
    chains.push(
      ...block(`chain ${chain}`, [
        `ip daddr ${set(uplink.addresses)} dnat ip to meta l4proto . th dport map ${braces(map)}`,
      ]),
    );
    const devices = instances.filter(instance => instance.uplink === uplink.interface).map(({ device }) => device);
    entries.push(...[uplink.interface, ...devices].map(device => `"${device}" : goto ${chain}`));
  }
  return [...chains, ...hook('prerouting', 'nat', 'dstnat', entries.length ? [`iifname vmap ${braces(entries)}`] : [])];
}

function postrouting(intent: RootIntent, instances: readonly ConnectedInstance[]): string[] {
  return hook('postrouting', 'nat', 'srcnat', [
    // A source that the instance has inside would never get its answer; its own transit address is the hairpin to itself.
    ...instances.map(({ device, subnets, remoteSubnets = [], peerAddress }) => {
      const hidden = networks([...subnets, ...remoteSubnets, peerAddress]);
      return `oifname "${device}" ct status dnat ip saddr ${braces(hidden)} snat ip to ${host(peerAddress)}`;
    }),
    ...sortedUplinks(intent).map(uplink => `oifname "${uplink.interface}" ip saddr ${intent.transitPool} masquerade`),
  ]);
}

function forward(intent: RootIntent, instances: readonly ConnectedInstance[]): string[] {
  const uplinks = sortedUplinks(intent).map(uplink => `"${uplink.interface}"`);
  const apart = uplinks.length > 0 && !intent.forwardBetweenUplinks;
  const between = apart ? [`iifname ${braces(uplinks)} oifname ${braces(uplinks)} drop`] : [];
  if (instances.length === 0) return hook('forward', 'filter', 'filter', between);
  const devices = braces(instances.map(({ device }) => `"${device}"`));
  const sources = instances.map(({ device, innerAddress }) => `"${device}" . ${innerAddress}`);
  const exits = instances.map(({ device, uplink }) => `"${device}" . "${uplink}"`);
  const own = instances.flatMap(({ device, uplink }) => {
    const addresses = intent.uplinks.find(({ interface: name }) => name === uplink)?.addresses ?? [];
    return addresses.map(address => `"${device}" . ${host(address)}`);
  });
  return [
    ...block('chain from_instance', [
      'meta nfproto ipv6 drop',
      `iifname . ip saddr != ${braces(sources)} drop`,
      'ct state established,related accept',
      'ct state invalid drop',
      `oifname ${devices} ct status dnat accept`,
      ...(own.length > 0 ? [`iifname . ip daddr ${braces(own)} drop`] : []),
      `iifname . oifname ${braces(exits)} accept`,
      'drop',
    ]),
    ...block('chain to_instance', ['ct state established,related accept', 'ct status dnat accept', 'drop']),
    ...hook('forward', 'filter', 'filter', [
      `iifname ${devices} goto from_instance`,
      `oifname ${devices} goto to_instance`,
      ...between,
    ]),
  ];
}

function input(intent: RootIntent, instances: readonly ConnectedInstance[]): string[] {
  const uplinks = sortedUplinks(intent).map(uplink => `"${uplink.interface}"`);
  const devices = braces(instances.map(({ device }) => `"${device}"`));
  // Its port maps are forwarded, so they don't come by here; answers to the device and neighbour discovery are not new.
  const switched = sortedUplinks(intent)
    .filter(({ appMacs = [] }) => appMacs.length > 0)
    .map(({ interface: name, appMacs = [] }) => `iifname "${name}" ether saddr ${braces(appMacs)} ct state new drop`);
  return hook('input', 'filter', 'filter', [
    ...switched,
    ...(instances.length > 0
      ? [`iifname ${devices} ct state established,related accept`, `iifname ${devices} drop`]
      : []),
    // accept_local lets in what an app sent out by another uplink: to port maps, not to the device's own services. Replies
    // and looped multicast (not of packet type host) are not meant.
    ...(uplinks.length > 0
      ? [`iifname ${braces(uplinks)} meta pkttype host ct state new fib saddr type local drop`]
      : []),
  ]);
}

function hook(name: string, type: string, priority: string, rules: readonly string[]): string[] {
  return block(`chain ${name}`, [`type ${type} hook ${name} priority ${priority}; policy accept;`, ...rules]);
}

const block = (head: string, lines: readonly string[]) => [`  ${head} {`, ...lines.map(line => `    ${line}`), '  }'];
const braces = (elements: readonly string[]) => `{ ${elements.join(', ')} }`;
const host = (address: string) => address.split('/')[0]!;
const set = (addresses: readonly string[]) => braces([...new Set(addresses.map(host))].sort());

/** IPv4 only; without those that lie in another one, as an interval set takes no overlap. */
function networks(cidrs: readonly string[]): string[] {
  const all = cidrs
    .flatMap(cidr => parseCidr(cidr) ?? [])
    .filter(({ family }) => family === 4)
    .sort((a, b) => a.prefixLength - b.prefixLength);
  const widest = all.filter((cidr, index) => !all.slice(0, index).some(wider => cidrContains(wider, cidr)));
  return widest.map(formatCidr).sort();
}

function sortedUplinks(intent: RootIntent) {
  return intent.uplinks
    .map(uplink => ({ ...uplink, addresses: uplink.addresses.filter(address => !address.includes(':')) }))
    .sort((a, b) => (a.interface < b.interface ? -1 : 1));
}
