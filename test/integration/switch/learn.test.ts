import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ace } from '../../unit/netns-manager/acl/builders.ts';
import { arp, BROADCAST, dhcpAnswer, frame, icmp6, neighbourSolicitation, udp4 } from './frames.ts';
import { appVif, createSwitchWorld, LAN, macOf, type SwitchWorld } from './world.ts';

let world: SwitchWorld;
before(async () => {
  world = await createSwitchWorld(2);
  // Silent apps: what is known of them is what the tests make them say.
  for (const n of [1, 2]) await world.ip(`app${n}`, ['addr flush dev eth0']);
});
after(() => world?.[Symbol.asyncDispose]());

/** Rules made anew, so that nothing is known, and a manager that remembers nothing. */
async function forgetAll(acls: readonly (readonly ReturnType<typeof ace>[])[] = [[], []]): Promise<void> {
  await world.exec('ni', 'nft', 'flush', 'ruleset');
  await world.load(acls);
  await world.manager.ask({ op: 'start', runDirectory: world.runDirectory });
  await world.load(acls);
}

/** What is in a set of the kernel. */
const noted = async (set: string) =>
  /elements = \{(.*?)\}/s.exec(await world.exec('ni', 'nft', 'list', 'set', 'bridge', 'nibox', set))?.[1] ?? '';
const known = async (n: number) => (await world.addresses())[`v${n}`]!.seen.map(one => `${one.address} ${one.source}`);
/** Without IPv6, of which a kernel speaks unasked. */
const known4 = async (n: number) => (await known(n)).filter(text => !text.includes(':'));

test('a lease is learnt from the server that gives it, with its time; then ARP adds what else the app has', async () => {
  await forgetAll();
  const script = join(world.runDirectory, 'lease.sh');
  await writeFile(script, '#!/bin/sh\n[ "$1" = bound ] && ip addr replace $ip/$mask dev $interface\nexit 0\n');
  await chmod(script, 0o755);
  const server = spawn('ip', [
    ...['netns', 'exec', world.netns('lan'), 'dnsmasq', '--conf-file=/dev/null', '--keep-in-foreground', '--port=0'],
    ...['--interface=lan0', '--user=root', '--pid-file=', '--dhcp-authoritative', '--no-ping', '--log-facility=-'],
    ...['--dhcp-range=192.168.3.50,192.168.3.60,2h', `--dhcp-leasefile=${join(world.runDirectory, 'leases')}`],
  ]);
  try {
    await sleep(500);
    await world.exec('app1', 'busybox', 'udhcpc', '-f', '-q', '-n', '-i', 'eth0', '-s', script, '-t', '10', '-T', '1');
    const { seen, leaseExpiry } = (await world.addresses()).v1!;
    assert.match(seen[0]?.address ?? '', /^192\.168\.3\.5\d$/);
    assert.equal(seen[0]?.source, 'dhcp');
    assert.ok(Math.abs(leaseExpiry - (Date.now() / 1000 + 7200)) < 200, `${leaseExpiry}`);
    await world.ip('app1', ['addr add 192.168.3.90/24 dev eth0']);
    await world.exec('app1', 'ping', '-c1', '-W1', '-I', '192.168.3.90', LAN).catch(() => {});
    assert.deepEqual((await known4(1)).slice(0, 2), [`${seen[0]!.address} dhcp`, '192.168.3.90 arp']);
    assert.deepEqual(await known4(2), [], "nothing of it is the other app's");
  } finally {
    server.kill('SIGKILL');
    await world.ip('app1', ['addr flush dev eth0']);
  }
});

test('of ARP, requests and replies with an address of the sender count; probes, and claims for other MACs, do not', async () => {
  await forgetAll();
  const mac = macOf(1);
  await world.send('app1', frame(BROADCAST, mac, 0x0806, arp(1, mac, '0.0.0.0', '00:00:00:00:00:00', '192.168.3.70')));
  await world.send('app1', frame(BROADCAST, mac, 0x0806, arp(2, macOf(2), '192.168.3.71', BROADCAST, '192.168.3.71')));
  assert.deepEqual(await known4(1), []);
  assert.equal(await noted('arp4'), '');
  await world.send('app1', frame(BROADCAST, mac, 0x0806, arp(1, mac, '192.168.3.72', '00:00:00:00:00:00', LAN)));
  await world.send('app1', frame(BROADCAST, mac, 0x0806, arp(2, mac, '192.168.3.73', BROADCAST, '192.168.3.73')));
  assert.deepEqual(await known4(1), ['192.168.3.72 arp', '192.168.3.73 arp']);
  assert.deepEqual(await known4(2), []);
});

test('of neighbour discovery, the address that an app takes, asks from or owns counts', async () => {
  await forgetAll();
  const own = async (n: number) => (await known(n)).filter(text => text.startsWith('fd03'));
  /** The kernel takes its time before it asks. */
  const knows = async (...addresses: string[]) => {
    const wanted = addresses.map(address => `${address} nd`);
    for (let tries = 0; tries < 200 && (await own(1)).length < wanted.length; tries++) await sleep(50);
    assert.deepEqual(await own(1), wanted);
  };
  await world.exec('app1', 'sysctl', '-qw', 'net.ipv6.conf.eth0.accept_dad=1');
  await world.ip('app1', ['addr add fd03::70/64 dev eth0']); // duplicate address detection
  await knows('fd03::70');
  await world.ip('app1', ['addr add fd03::71/64 dev eth0 nodad']);
  await world.ip('lan', ['neigh flush dev lan0']);
  await world.exec('lan', 'ping', '-c1', '-W2', 'fd03::71').catch(() => {}); // it answers for it
  await knows('fd03::70', 'fd03::71');
  await world.send(
    'app1',
    frame('33:33:ff:00:00:01', macOf(1), 0x86dd, icmp6('fd03::72', 'ff02::1:ff00:1', neighbourSolicitation('fd03::1'))),
  );
  await knows('fd03::70', 'fd03::71', 'fd03::72');
  assert.deepEqual(await own(2), []);
  await world.ip('app1', ['addr flush dev eth0']);
});

test('a lease is learnt when the server sends to everybody, without a time in its usual place, and only by whom it is for', async () => {
  await forgetAll();
  const lan = '02:00:00:00:00:77';
  const answer = (mac: string, address: string, options: number[]) =>
    frame(BROADCAST, lan, 0x0800, udp4(LAN, '255.255.255.255', [67, 68], dhcpAnswer(mac, address, options)));
  await world.sendOnLan(answer(macOf(1), '192.168.3.80', [53, 1, 2])); // an offer
  await world.sendOnLan(answer(macOf(1), '0.0.0.0', [53, 1, 5])); // an answer to INFORM
  await world.sendOnLan(answer('02:16:3e:00:00:55', '192.168.3.81', [53, 1, 5]));
  assert.deepEqual(await known4(1), []);
  assert.equal(await noted('lease4'), '');
  await world.sendOnLan(answer(macOf(1), '192.168.3.82', [53, 1, 5, 1, 4, 255, 255, 255, 0]));
  await world.sendOnLan(answer(macOf(2), '192.168.3.83', [53, 1, 5, 54, 4, 192, 168, 3, 1, 51, 4, 0, 0, 2, 88]));
  assert.deepEqual(await known4(1), ['192.168.3.82 dhcp']);
  assert.deepEqual(await known4(2), ['192.168.3.83 dhcp']);
  const { v1, v2 } = await world.addresses();
  const inSeconds = (expiry: number) => expiry - Date.now() / 1000;
  assert.ok(inSeconds(v1!.leaseExpiry) > 80_000, 'a day');
  assert.ok(inSeconds(v2!.leaseExpiry) < 700 && inSeconds(v2!.leaseExpiry) > 400, 'ten minutes');
});

test('an app that claims addresses as fast as it can takes no place from others', async () => {
  await forgetAll();
  const mac = macOf(1);
  const claims = Array.from({ length: 120 }, (_, i) => arp(2, mac, `10.0.0.${i + 1}`, BROADCAST, `10.0.0.${i + 1}`));
  await Promise.all(claims.map(claim => world.send('app1', frame(BROADCAST, mac, 0x0806, claim))));
  assert.ok((await known4(1)).length <= 64);
  const places = await world.exec('ni', 'nft', 'list', 'set', 'bridge', 'nibox', 'arp4');
  assert.ok((places.match(/10\.0\.0\./g) ?? []).length < 100);
});

test('what is known survives a flushed ruleset, and a manager that is restarted finds it in the kernel', async () => {
  await forgetAll();
  const mac = macOf(1);
  await world.send('app1', frame(BROADCAST, mac, 0x0806, arp(2, mac, '192.168.3.74', BROADCAST, '192.168.3.74')));
  assert.deepEqual(await known4(1), ['192.168.3.74 arp']);
  await world.manager.ask({ op: 'start', runDirectory: world.runDirectory });
  const { counts } = await world.load([[], []]);
  assert.deepEqual(counts, { driftRepairs: 0, ipBatches: 0, nftTransactions: 0 });
  assert.deepEqual(await known4(1), ['192.168.3.74 arp']);
  await world.exec('ni', 'nft', 'flush', 'ruleset');
  const { rulesRebuilt } = await world.load([[], []]);
  assert.equal(rulesRebuilt, true);
  assert.deepEqual(await known4(1), ['192.168.3.74 arp']);
  await world.reconcile([appVif(2)]);
  assert.equal((await world.addresses()).v1, undefined);
});
