import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { MANAGER_OOM_SCORE } from '../../../supervisor/resources/process-limits.ts';
import { runChecks } from '../../conformance/index.ts';
import type { Case } from './case.ts';
import { demoWith } from './demo-config.ts';
import { GuestDevice, until } from './device.ts';

/** Milliseconds for a tunnel to come up that was asked for before. */
const tunnelMs = 120_000;
const vpnInstances = ['ni4', 'ni5'] as const;
const all = ['ni2', 'ni3', ...vpnInstances];

/** The VPN part of the demo world on this kernel, and as much of the rest as its checks need. */
export function scenarioCases(): Case[] {
  let device: GuestDevice | undefined;
  const running = () => {
    if (!device) throw new Error('nibox was not started');
    return device;
  };
  const inDevice = (title: string, see: (device: GuestDevice) => Promise<string>): Case => ({
    title,
    see: async () => {
      const here = running();
      return see(here).catch(async (cause: unknown) => {
        await here.showLogs();
        throw cause;
      });
    },
  });
  const check = (id: string, when = '') =>
    inDevice(`nibox passes ${id}${when}`, async ({ world, nibox }) => {
      const [result] = await runChecks({ world, nibox, ids: [id] });
      assert.ok(result?.ok, result?.detail);
      return result.detail;
    });
  const apply = (title: string, instances: readonly string[], mode?: 'route') =>
    inDevice(title, async here => {
      await here.apply(demoWith(await readFile('examples/demo.yaml', 'utf8'), instances, mode));
      const { networkInstances } = await here.client.status();
      return networkInstances.map(({ name, state, isolation }) => `${name} ${state}, ${isolation}`).join('; ');
    });

  return [
    {
      title: 'nibox starts',
      see: async () => {
        device = await GuestDevice.start();
        return '';
      },
    },
    // Step by step: each manager is a Node that starts 25 times slower than elsewhere.
    apply('local network instances get ready', all.slice(0, 2)),
    inDevice('each has a group of its own, with its limits and its services in it', seeGroups),
    check('C06'),
    check('C14'),
    check('C31'),
    apply('a VPN network instance gets ready', all.slice(0, 3)),
    apply('another one with the same traffic selectors gets ready beside it', all),
    ...['C16', 'C17', 'C18'].map(id => check(id)),
    inDevice('the kernel does ESP for both tunnels, and the status says so', seeKernelEsp),
    ...['C20', 'C21'].map(id => check(id)),
    apply('route-based tunnels get ready', all, 'route'),
    inDevice('each is an xfrm interface, and the kernel does ESP for it', seeXfrmInterfaces),
    ...['C17', 'C18', 'C20', 'C21'].map(id => check(id, ' with route-based tunnels')),
    inDevice('nibox stops', async here => {
      await here.down();
      return '';
    }),
  ];
}

async function seeGroups({ client }: GuestDevice): Promise<string> {
  const { networkInstances, warnings } = await client.status();
  assert.ok(!warnings.some(text => text.includes('not in force')), warnings.join('; '));
  for (const { name, manager, dnsmasqPid } of networkInstances) {
    for (const pid of [manager.pid, dnsmasqPid]) {
      assert.equal(await readFile(`/proc/${pid}/cgroup`, 'utf8'), `0::/nibox-vm/${name}\n`);
    }
    const score = Number(await readFile(`/proc/${manager.pid}/oom_score_adj`, 'utf8'));
    assert.equal(score, MANAGER_OOM_SCORE);
  }
  return networkInstances.map(({ name }) => `/nibox-vm/${name}`).join(' ');
}

async function seeKernelEsp({ client, world }: GuestDevice): Promise<string> {
  const seen: string[] = [];
  for (const name of vpnInstances) {
    const tunnelOf = async () => (await client.status()).networkInstances.find(ni => ni.name === name)?.vpn;
    await until(`${name}'s tunnel is up`, tunnelMs, async () => (await tunnelOf())?.tunnels[0]?.state === 'up');
    const vpn = await tunnelOf();
    assert.equal(vpn?.backend, 'kernel-netlink');
    const { stdout: states } = await world.exec(name, 'ip', ['xfrm', 'state']);
    const [child] = vpn.tunnels[0]!.children;
    for (const spi of [child!.spiIn, child!.spiOut]) {
      assert.match(
        states,
        new RegExp(`proto esp spi 0x0*${spi}\\b`),
        `the kernel has no state of ${name}'s SPI ${spi}`,
      );
    }
    const { stdout: links } = await world.exec(name, 'ip', ['-br', 'link', 'show', 'type', 'tun']);
    assert.equal(links.trim(), '', `${name} has a TUN device`);
    seen.push(`${name} ${vpn.backend} ${child!.spiIn}/${child!.spiOut}`);
  }
  return seen.join('; ');
}

async function seeXfrmInterfaces(device: GuestDevice): Promise<string> {
  const backend = await seeKernelEsp(device);
  const seen: string[] = [];
  for (const name of vpnInstances) {
    const { stdout } = await device.world.exec(name, 'ip', ['-j', '-d', 'link', 'show', 'type', 'xfrm']);
    const links = (JSON.parse(stdout || '[]') as { ifname?: string; flags: string[] }[]).filter(({ ifname }) => ifname);
    assert.equal(links.length, 1, `${name} has ${links.length} xfrm interfaces`);
    assert.ok(links[0]!.flags.includes('UP'), `${links[0]!.ifname} of ${name} is down`);
    seen.push(`${name} ${links[0]!.ifname}`);
  }
  return `${seen.join('; ')}; ${backend}`;
}
