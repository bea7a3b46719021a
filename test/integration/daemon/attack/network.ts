import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attack, allRefused, type Stage, type Targets } from './stage.ts';

const GATEWAY = '192.168.0.1';
const DEVICE = '192.168.0.2';
/** Until a listener listens, and until packets have come to it. */
const SETTLE_MS = 1_000;

/** Links, addresses and packets. */
export const NETWORK_ATTACKS: Attack[] = [
  allRefused(
    'push-link-by-pid',
    targets => elsewhere(targets).flatMap(pid => [push(`${pid}`), pair(`netns ${pid}`)]),
    /not permitted/,
  ),
  allRefused('push-link-by-file', targets => [
    ...elsewhere(targets).flatMap(pid => [push(`/proc/${pid}/ns/net`), pair(`netns /proc/${pid}/ns/net`)]),
    push(`${targets.prefix}-ni2`),
    pair(`netns ${targets.prefix}-ni2`),
  ]),
  // Number 0 is the device's own namespace, at the other end of the transit link; the others are those of its apps.
  allRefused(
    'push-link-by-nsid',
    () => [
      'for n in 0 1 2 3; do ip link add link if2 link-netnsid $n name nbx type veth peer name nby && exit 0; done; exit 1',
      'for n in 0 1 2 3; do ip link add link-netnsid $n name nbx type bridge && exit 0; done; exit 1',
    ],
    /not permitted/,
  ),
  allRefused(
    'push-uplink',
    targets => elsewhere(targets).map(pid => `ip link set dev uplink netns ${pid}`),
    /not permitted/,
  ),
  allRefused('pull-transit', ({ prefix }) => [
    `ip link set dev ${prefix}1 netns $$`,
    `ip link set dev ${prefix}2 netns $$`,
    `ip link del ${prefix}2`,
  ]),
  allRefused('name-namespace', ({ prefix }) => [
    `ip netns add ${prefix}-mine`,
    `ip netns del ${prefix}-ni2`,
    `umount /run/netns/${prefix}-ni2`,
  ]),
  {
    id: 'spoof-transit',
    run: async stage => {
      const { own, other } = await stage.targets();
      const heard = await listen(stage, 'gw', ['socat', '-u', 'UDP4-RECV:9999', 'STDOUT']);
      const sources = [other.inner, '192.168.1.3', DEVICE, '198.51.100.10', '10.10.1.2'];
      const send = (word: string, bind = '') => `echo ${word} | socat -u - UDP4-SENDTO:${GATEWAY}:9999${bind}`;
      const forge = (source: string) =>
        `ip addr add ${source}/32 dev lo; ${send(`from-${source}`, `,bind=${source}`)}; ip addr del ${source}/32 dev lo`;
      // Its own rules would give the packets its own address: so they go, and the manager must not put them back meanwhile. Each time, as
      // the supervisor lets one go on that was stopped.
      const unruled = `kill -STOP ${own.manager}; nft flush ruleset`;
      const forged = sources.map(source => `${unruled}; ${forge(source)}`);
      await stage.attack(`${forged.join('; ')}; ${send('as-itself')}; kill -CONT ${own.manager}`);
      await stage.heal();
      assert.equal((await heard()).trim(), 'as-itself');
    },
  },
  {
    id: 'reach-other-instance',
    run: async stage => {
      const { other } = await stage.targets();
      const heard = await listen(stage, 'ni2', ['tcpdump', '-lni', 'uplink', 'udp port 9997']);
      await stage.attack(`for i in 1 2 3; do echo x | socat -u - UDP4-SENDTO:${other.inner}:9997; done`);
      await stage.device.world.exec('device', 'sh', ['-c', `echo x | socat -u - UDP4-SENDTO:${other.inner}:9997`]);
      const seen = (await heard()).split('\n').filter(line => line.includes('.9997: UDP'));
      assert.equal(seen.length, 1, `only what the device sent is seen: ${seen.join('\n')}`);
    },
  },
  {
    id: 'reach-device',
    run: async stage => {
      const heard = await listen(stage, 'device', ['socat', '-u', 'UDP4-RECV:9996', 'STDOUT']);
      const peer = "$(ip -4 route show default | awk '{ print $3 }')";
      for (const address of [DEVICE, peer])
        await stage.attack(`echo attacker | socat -u - UDP4-SENDTO:${address}:9996`);
      await stage.device.world.exec('gw', 'sh', ['-c', `echo gateway | socat -u - UDP4-SENDTO:${DEVICE}:9996`]);
      assert.equal((await heard()).trim(), 'gateway');
    },
  },
  {
    id: 'abstract-sockets',
    run: async stage => {
      const name = `${stage.device.prefix}-abstract`;
      const heard = await listen(stage, 'device', ['socat', '-u', `ABSTRACT-LISTEN:${name},fork`, 'STDOUT']);
      const command = (word: string) => `echo ${word} | socat -u - ABSTRACT-CONNECT:${name}`;
      assert.notEqual((await stage.attack(command('attacker'))).code, 0);
      await stage.device.world.exec('device', 'sh', ['-c', command('device')]);
      assert.equal((await heard()).trim(), 'device');
    },
  },
  {
    id: 'steal-port-map',
    run: async stage => {
      const { other } = await stage.targets();
      const steal = [other.inner, DEVICE].map(address => `ip addr add ${address}/32 dev uplink`).join('; ');
      const serve = "timeout 4 socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:'echo HTTP/1.0 200 OK; echo; echo stolen'";
      const attack = stage.attack(
        `${steal}; arping -c1 -U -I uplink ${other.inner} & ${serve}; for a in ${other.inner} ${DEVICE}; do ip addr del $a/32 dev uplink; done`,
      );
      await sleep(SETTLE_MS);
      for (let i = 0; i < 3; i++) {
        const { stdout } = await stage.device.world.exec('gw', 'curl', ['-s', '-m', '5', `http://${DEVICE}:8080/`]);
        assert.equal(stdout.trim(), 'app2');
      }
      await attack;
      await stage.heal();
    },
  },
  {
    // By an app, not the manager: its manager's rules stand.
    id: 'app-spoofs-neighbour',
    run: async ({ device: { world } }) => {
      const link = async (app: string, dev: string) => {
        const { stdout } = await world.exec(app, 'ip', ['-j', 'addr', 'show', 'dev', dev]);
        return JSON.parse(stdout)[0] as { address: string; addr_info: { local: string; family: string }[] };
      };
      const [own, victim] = [await link('app1', 'eth1'), await link('app2', 'eth0')];
      const victimAddress = victim.addr_info.find(({ family }) => family === 'inet')!.local;
      const curl = (...args: string[]) => world.exec('app1', 'curl', ['-s', '-m', '3', ...args]);
      try {
        await world.exec('app1', 'ip', ['link', 'set', 'dev', 'eth1', 'address', victim.address]);
        assert.notEqual((await curl('--interface', 'eth1', 'http://app2/')).exitCode, 0, 'with its MAC');
        const { stdout } = await world.exec('gw', 'curl', ['-s', '-m', '5', `http://${DEVICE}:8080/`]);
        assert.equal(stdout.trim(), 'app2', 'the neighbour is reached meanwhile');
      } finally {
        await world.exec('app1', 'ip', ['link', 'set', 'dev', 'eth1', 'address', own.address]);
      }
      try {
        await world.exec('app1', 'ip', ['addr', 'add', `${victimAddress}/32`, 'dev', 'eth1']);
        const metadata = 'http://169.254.169.254/eve/v1/network.json';
        assert.notEqual((await curl('--interface', victimAddress, metadata)).exitCode, 0, 'with its address');
      } finally {
        await world.exec('app1', 'ip', ['addr', 'del', `${victimAddress}/32`, 'dev', 'eth1']);
      }
    },
  },
  {
    // What is its own it may destroy. It is put right, and nobody else notices.
    id: 'own-network',
    run: async stage => {
      const { code } = await stage.attack(
        'nft flush ruleset; ip link del uplink; ip link del br; ip route flush table all; true',
      );
      assert.equal(code, 0);
      await stage.mustBeUndisturbed();
      await stage.heal();
    },
  },
];

const elsewhere = ({ supervisor, other }: Targets) => [other.manager, supervisor, 1];

/** Pushes a link of its own; into its own namespace that works. */
const push = (netns: string) =>
  `ip link add nbx type veth peer name nby; ip link set dev nbx netns $$ || exit 127; ip link set dev nbx netns ${netns}; r=$?; ip link del nby; [ $r = 0 ] || exit 1`;

/** Makes a pair with one end there. */
const pair = (where: string) =>
  `ip link add nbx type veth peer name nby ${where} && { ip link del nbx; exit 0; }; exit 1`;

/** Starts to listen in a namespace of the world; the function ends that and gives what was heard. */
async function listen(stage: Stage, where: string, command: readonly string[]): Promise<() => Promise<string>> {
  const { world } = stage.device;
  const end = join(world.runDirectory, 'heard-enough');
  await rm(end, { force: true });
  const script = '"$@" & while [ ! -e "$0" ]; do sleep 0.1; done; kill $!; wait';
  const heard = world.exec(where, 'timeout', ['25', 'sh', '-c', script, end, ...command]);
  await sleep(SETTLE_MS);
  return async () => {
    await sleep(SETTLE_MS);
    await writeFile(end, '');
    return (await heard).stdout;
  };
}
