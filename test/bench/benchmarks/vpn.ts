import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Device, randomPrefix, startDevice, until } from '../../integration/daemon/device.ts';
import { World } from '../../world/index.ts';
import type { BenchContext, Benchmark, Row } from '../benchmark.ts';
import { type Entrant, interleave } from '../interleave.ts';
import { HAND_TUNNELS, handApp, setUpByHand } from './vpn/by-hand.ts';

const CLOUDS = ['cloud1', 'cloud2'] as const;
/** The demo's two VPN network instances, and the app on each. */
const INSTANCES = ['ni4', 'ni5'] as const;
const APPS = ['app4', 'app5'] as const;
/** The same network behind both clouds, inside the tunnel. */
const INSIDE = '192.168.0.1';
const OUTER = ['192.168.111.1', '192.168.222.1'] as const;
const PORT = 5201;
const SECONDS = 2;
const UP_MS = 60_000;
const LISTEN_MS = 10_000;

/** What tunnels carry, as nibox sets them up and as an administrator would. */
export const vpn: Benchmark = {
  name: 'vpn',
  title: 'TCP throughput from an app through its tunnel, and through two tunnels at once, in the demo world',
  run,
};

async function run(context: BenchContext): Promise<Row[]> {
  let device: Device | undefined;
  let byHand: World | undefined;
  let config = '';
  try {
    context.say('building the demo world with nibox');
    byHand = await World.up({ prefix: randomPrefix(), signal: context.signal });
    config = join(byHand.runDirectory, 'bench.yaml');
    // The demo's ACL lets web traffic through and nothing else.
    const demo = await readFile('examples/demo.yaml', 'utf8');
    await writeFile(config, demo.replaceAll('protocol: tcp, fport: 80 }', `protocol: tcp, fport: 80-${PORT} }`));
    device = await startDevice(config, { signal: context.signal });
    const backend = await untilUp(device);
    context.say(`building the same by hand (${backend})`);
    await setUpByHand(byHand, backend === 'kernel-libipsec');
    await Promise.all([serve(device.world), serve(byHand)]);
    return await measureAll(context, device.world, byHand, backend);
  } finally {
    const problems = [...((await device?.down()) ?? []), ...((await byHand?.down()) ?? [])];
    if (problems.length > 0) console.error(`left over by the benchmark: ${problems.join('; ')}`);
  }
}

async function measureAll(context: BenchContext, nibox: World, byHand: World, backend: string): Promise<Row[]> {
  const handApps = HAND_TUNNELS.map(handApp);
  const ways = [
    { name: 'nibox', role: 'nibox', world: nibox, apps: APPS, targets: [INSIDE, INSIDE] },
    { name: 'no tunnel', role: 'floor', world: byHand, apps: handApps, targets: OUTER },
    { name: 'charon by hand', role: 'peer', world: byHand, apps: handApps, targets: [INSIDE, INSIDE] },
  ] as const;
  const rows: Row[] = [];
  for (const tunnels of [1, 2]) {
    const entrants = ways.map(
      ({ name, role, world, apps, targets }): Entrant => ({
        name,
        role,
        measure: async () => {
          const each = apps.slice(0, tunnels).map((app, index) => throughput(world, app, targets[index]!));
          return (await Promise.all(each)).reduce((sum, mbits) => sum + mbits, 0);
        },
      }),
    );
    rows.push({
      what: `${tunnels === 1 ? 'one tunnel' : 'two tunnels at once, sum'} (ESP: ${backend})`,
      unit: 'Mbit/s',
      better: 'higher',
      contestants: await interleave(context, entrants),
    });
  }
  return rows;
}

async function untilUp({ instance }: Device): Promise<string> {
  const backends = await Promise.all(
    INSTANCES.map(async name => {
      const isUp = async () => (await instance(name)).vpn?.tunnels[0]?.state === 'up';
      await until(`the tunnel of ${name} is up`, isUp, UP_MS);
      return (await instance(name)).vpn!.backend;
    }),
  );
  return backends[0]!;
}

/** iperf3 in both clouds, until the world ends. */
async function serve(world: World): Promise<void> {
  const end = Date.now() + LISTEN_MS;
  for (const cloud of CLOUDS) {
    await world.startService(`${cloud}-iperf3`, cloud, ['iperf3', '-s', '-p', String(PORT)]);
    while (!(await world.exec(cloud, 'ss', ['-Hlnt'])).stdout.includes(`:${PORT} `)) {
      if (Date.now() > end) throw new Error(`iperf3 does not listen in ${cloud} after ${LISTEN_MS} ms`);
      await sleep(50);
    }
  }
}

/** Mbit/s that arrive. */
async function throughput(world: World, app: string, to: string): Promise<number> {
  const command = ['-c', to, '-p', String(PORT), '-t', String(SECONDS), '--connect-timeout', '5000', '-J'];
  const { stdout, stderr } = await world.exec(app, 'iperf3', command);
  const { end, error } = JSON.parse(stdout || `{"error":${JSON.stringify(stderr)}}`);
  if (error) throw new Error(`iperf3 from ${app} to ${to}: ${error}`);
  return end.sum_received.bits_per_second / 1e6;
}
