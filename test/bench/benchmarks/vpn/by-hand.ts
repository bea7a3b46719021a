import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ESP_PROPOSALS, IKE_PROPOSALS } from '../../../../shared/config/vpn/defaults.ts';
import { run } from '../../../../shared/kernel/run.ts';
import type { World } from '../../../world/index.ts';

/** Where one tunnel made by hand leads to, and by which of the device's uplinks; as ni4 and ni5 of the demo have them. */
export interface HandTunnel {
  number: 1 | 2;
  uplink: string;
  uplinkGateway: string;
  cloud: string;
}

export const HAND_TUNNELS: readonly HandTunnel[] = [
  { number: 1, uplink: 'eth1', uplinkGateway: '192.168.1.1', cloud: '192.168.111.1' },
  { number: 2, uplink: 'eth2', uplinkGateway: '192.168.2.1', cloud: '192.168.222.1' },
];

const UP_MS = 30_000;
/** What libipsec reads from its TUN device at a time; longer packets would lose their end. */
const LIBIPSEC_MTU = 1400;

/** The namespace of the app behind a tunnel made by hand. */
export const handApp = ({ number }: HandTunnel) => `handapp${number}`;

/**
 * What an administrator would set up in a demo world without nibox: per tunnel an app, a router with charon and swanctl's
 * configuration, and masquerading on the device.
 *
 *     handapp1 --v-- br [hand1] uplink --transit-- [device] eth1 -- gw -- cloud1
 */
export async function setUpByHand(world: World, isLibipsec: boolean): Promise<void> {
  await sysctl(world, 'device', ['net/ipv4/ip_forward=1', 'net/ipv4/conf/all/rp_filter=0']);
  const uplinks = HAND_TUNNELS.map(({ uplink }) => uplink);
  for (const uplink of uplinks) await sysctl(world, 'device', [`net/ipv4/conf/${uplink}/rp_filter=0`]);
  await nft(world, 'device', masquerade(uplinks, '169.254.99.0/24'));
  await Promise.all(HAND_TUNNELS.map(tunnel => setUpTunnel(world, tunnel, isLibipsec)));
}

async function setUpTunnel(world: World, tunnel: HandTunnel, isLibipsec: boolean): Promise<void> {
  const { number, uplink, uplinkGateway } = tunnel;
  const [router, app] = [`hand${number}`, handApp(tunnel)];
  const transit = (end: 1 | 2) => `169.254.99.${4 * number + end}`;
  for (const name of [router, app]) await run('ip', ['netns', 'add', world.namespace(name)]);
  await ip(world, 'device', [
    `link add name ${router} type veth peer name uplink netns ${world.namespace(router)}`,
    `addr add ${transit(1)}/30 dev ${router}`,
    `link set dev ${router} up`,
    `rule add iif ${router} lookup ${1000 + number}`,
    `route add default via ${uplinkGateway} dev ${uplink} table ${1000 + number}`,
  ]);
  await ip(world, router, [
    'link set dev lo up',
    'link add name br type bridge',
    `link add name v type veth peer name eth0 netns ${world.namespace(app)}`,
    'link set dev v master br up',
    'addr add 10.10.10.1/24 dev br',
    'link set dev br up',
    `addr add ${transit(2)}/30 dev uplink`,
    'link set dev uplink up',
    `route add default via ${transit(1)}`,
  ]);
  await ip(world, app, [
    'link set dev lo up',
    'addr add 10.10.10.2/24 dev eth0',
    'link set dev eth0 up',
    'route add default via 10.10.10.1',
  ]);
  const noBridgeFilter = ['iptables', 'ip6tables'].map(which => `net/bridge/bridge-nf-call-${which}=0`);
  await sysctl(world, router, ['net/ipv4/ip_forward=1', 'net/ipv4/conf/all/rp_filter=0', ...noBridgeFilter]);
  // As every router has it; what goes into the tunnel keeps its address.
  await nft(world, router, masquerade(['uplink'], '10.10.10.0/24'));
  await startCharon(world, tunnel, isLibipsec);
  if (isLibipsec) await ip(world, router, [`link set dev ipsec0 mtu ${LIBIPSEC_MTU}`]);
}

async function startCharon(world: World, { number, cloud }: HandTunnel, isLibipsec: boolean): Promise<void> {
  const router = `hand${number}`;
  const directory = join(world.runDirectory, router);
  await mkdir(directory, { recursive: true });
  const [confFile, swanctlFile] = [join(directory, 'strongswan.conf'), join(directory, 'swanctl.conf')];
  const uri = `unix://${join(directory, 'charon.vici')}`;
  await writeFile(confFile, strongswanConf(uri, isLibipsec));
  await writeFile(swanctlFile, swanctlConf(cloud), { mode: 0o600 });
  // Ends with the world, as everything in its namespaces does.
  world.spawn(router, 'charon-systemd', [], { env: { STRONGSWAN_CONF: confFile } }).unref();
  const swanctl = (...args: string[]) => world.exec(router, 'swanctl', [...args, '--uri', uri]);
  const load = async () => (await swanctl('--load-all', '--noprompt', '--file', swanctlFile)).exitCode === 0;
  await until(`charon in ${router} takes its configuration`, load);
  const isUp = async () => (await swanctl('--list-sas')).stdout.includes('INSTALLED');
  await until(`the tunnel from ${router} to ${cloud} is up`, isUp);
}

/** OpenSSL's ciphers, as nibox has them: with the responder's order of plugins a tunnel carried half as much. */
function strongswanConf(uri: string, isLibipsec: boolean): string {
  return `charon-systemd {
  load = pem openssl kdf nonce pubkey constraints ${isLibipsec ? 'kernel-libipsec ' : ''}kernel-netlink socket-default vici
  journal {
    default = -1
  }
  plugins {
    vici {
      socket = ${uri}
    }
  }
}
`;
}

function swanctlConf(cloud: string): string {
  return `connections {
  cloud {
    version = 2
    remote_addrs = ${cloud}
    proposals = ${IKE_PROPOSALS[2].join(', ')}
    encap = yes
    mobike = no
    local {
      auth = psk
    }
    remote {
      auth = psk
      id = ${cloud}
    }
    children {
      net {
        local_ts = 10.10.10.0/24
        remote_ts = 192.168.0.0/24
        esp_proposals = ${ESP_PROPOSALS[2].join(', ')}
        start_action = start
      }
    }
  }
}
secrets {
  ike-cloud {
    id = ${cloud}
    secret = "evenet123"
  }
}
`;
}

function masquerade(devices: readonly string[], sources: string): string {
  return `table ip hand {
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    oifname { ${devices.join(', ')} } rt ipsec missing ip saddr ${sources} masquerade
  }
}
`;
}

async function ip(world: World, name: string, lines: readonly string[]): Promise<void> {
  await run('ip', ['-n', world.namespace(name), '-batch', '-'], { input: lines.map(line => `${line}\n`).join('') });
}

async function nft(world: World, name: string, ruleset: string): Promise<void> {
  const { exitCode, stderr } = await world.exec(name, 'nft', ['-f', '-'], { input: ruleset });
  if (exitCode !== 0) throw new Error(`nft in ${name}: ${stderr}`);
}

/** @param settings `path=value` */
async function sysctl(world: World, name: string, settings: readonly string[]): Promise<void> {
  const lines = settings.map(setting => setting.replace(/^(.*)=(.*)$/, 'echo $2 > /proc/sys/$1'));
  const { exitCode, stderr } = await world.exec(name, 'sh', ['-ec', lines.join('\n')]);
  if (exitCode !== 0) throw new Error(`sysctls in ${name}: ${stderr}`);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + UP_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still not so after ${UP_MS} ms: ${what}`);
    await sleep(100);
  }
}
