import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ace, AceAction } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { arp, BROADCAST, dhcpAnswer, frame, icmp6, routerAdvertisement, udp4 } from './frames.ts';
import { address6Of, addressOf, createSwitchWorld, LAN, macOf, type SwitchWorld } from './world.ts';

const allow = ace(1);
const [IPV4, IPV6, ARP] = [0x0800, 0x86dd, 0x0806];

let world: SwitchWorld;
before(async () => {
  world = await createSwitchWorld(2);
});
after(() => world?.[Symbol.asyncDispose]());

/** Which of these byte sequences a place's interface saw while `send` went on. */
async function seen(place: string, device: string, wanted: string[], send: () => Promise<void>): Promise<string[]> {
  const listener = spawn('ip', ['netns', 'exec', world.netns(place), 'socat', '-u', `INTERFACE:${device}`, '-']);
  let captured = '';
  listener.stdout.on('data', (chunk: Buffer) => {
    captured += chunk.toString('latin1');
  });
  await sleep(300);
  await send();
  for (let i = 0; i < 20 && !wanted.every(text => captured.includes(text)); i++) await sleep(25);
  listener.kill('SIGTERM');
  await once(listener, 'close');
  return wanted.filter(text => captured.includes(text));
}

const onLan = (wanted: string[], send: () => Promise<void>) => seen('lan', 'lan0', wanted, send);
const text = (words: string) => Buffer.from(words.padEnd(40, '.'));
const ping = (place: string, to: string) =>
  world.exec(place, 'ping', '-c1', '-W1', to).then(
    () => true,
    () => false,
  );
const strange = async () =>
  Number(/packets (\d+)/.exec(await world.exec('ni', 'nft', 'list', 'counter', 'bridge', 'nibox', 'strange'))?.[1]);

test('ARP and neighbour discovery pass without an ACE, and nothing else does', async () => {
  await world.load([[], []]);
  for (const place of ['lan', 'app1', 'app2']) await world.exec(place, 'ip', 'neigh', 'flush', 'all');
  for (const to of [LAN, 'fd03::1', addressOf(2), address6Of(2)]) {
    assert.equal(await ping('app1', to), false);
    let neighbour = '';
    for (let tries = 0; tries < 50 && !/lladdr/.test(neighbour); tries += 1) {
      if (tries > 0) await sleep(100);
      neighbour = await world.exec('app1', 'ip', 'neigh', 'show', to);
    }
    assert.match(neighbour, /lladdr/, `${to} is found`);
  }
});

test('an app gets nothing through under another MAC than its own, in the frame or in ARP', async () => {
  await world.load([[allow], [allow]]);
  await world.forget();
  const before = await strange();
  const other = '02:16:3e:00:00:99';
  const got = await onLan(['own-frame', 'other-frame', '\xc0\xa8\x03\x63'], async () => {
    await world.send('app1', frame(BROADCAST, macOf(1), IPV4, udp4(addressOf(1), LAN, [5, 9], text('own-frame'))));
    for (const mac of [other, macOf(2)]) {
      await world.send('app1', frame(BROADCAST, mac, IPV4, udp4(addressOf(1), LAN, [5, 9], text('other-frame'))));
    }
    // In its own frame it says that 192.168.3.99 is somebody else.
    await world.send('app1', frame(BROADCAST, macOf(1), ARP, arp(2, other, '192.168.3.99', BROADCAST, LAN)));
  });
  assert.deepEqual(got, ['own-frame']);
  assert.equal((await strange()) - before, 3);
});

test('VLAN tags, other protocols and spanning tree pass neither from an app nor to it', async () => {
  await world.load([[allow], [allow]]);
  const plain = udp4(addressOf(1), LAN, [5, 9], text('plain-frame'));
  const tagged = Buffer.concat([Buffer.from([0, 10, 8, 0]), udp4(addressOf(1), LAN, [5, 9], text('tagged-frame'))]);
  const frames = (to: string, from: string) => [
    frame(to, from, 0x8100, tagged),
    frame(to, from, 0x88b5, text('experimental')),
    frame('01:80:c2:00:00:00', from, 38, text('BB\x03spanning-tree')),
    frame(to, from, IPV4, plain),
  ];
  const words = ['tagged-frame', 'experimental', 'spanning-tree', 'plain-frame'];
  const out = await onLan(words, async () => {
    for (const one of frames(BROADCAST, macOf(1))) await world.send('app1', one);
  });
  assert.deepEqual(out, ['plain-frame']);

  const into = await seen('app1', 'eth0', words, async () => {
    for (const one of frames(BROADCAST, '02:00:00:00:00:77')) await world.sendOnLan(one);
  });
  assert.deepEqual(into, ['plain-frame']);
});

test('a frame for a MAC that no app has reaches no app', async () => {
  await world.load([[allow], [allow]]);
  const got = await seen('app2', 'eth0', ['to-nobody'], () =>
    world.send('app1', frame('02:16:3e:00:00:77', macOf(1), IPV4, udp4(addressOf(1), LAN, [5, 9], text('to-nobody')))),
  );
  assert.deepEqual(got, []);
});

const nameDhcp: Partial<Ace> = { protocol: 'udp', lport: '67' };
const nameRouter: Partial<Ace> = { protocol: 'icmpv6' };
for (const { what, acl, offers, advertises } of [
  { what: 'no ACE', acl: [], offers: false, advertises: false },
  { what: 'an ACE that allows everything', acl: [ace(1)], offers: false, advertises: false },
  { what: 'an ACE for all of UDP', acl: [ace(1, { protocol: 'udp' })], offers: false, advertises: false },
  { what: 'an ACE for the port of DHCP servers', acl: [ace(1, nameDhcp)], offers: true, advertises: false },
  { what: 'an ACE for ICMPv6', acl: [ace(1, nameRouter)], offers: false, advertises: true },
  {
    what: 'both, but a DROP before them',
    acl: [ace(1, { action: AceAction.DROP }), ace(2, nameDhcp), ace(3, nameRouter)],
    offers: false,
    advertises: false,
  },
]) {
  test(`with ${what} an app ${offers ? 'may' : 'may not'} serve DHCP, and ${advertises ? 'may' : 'may not'} act as a router`, async () => {
    await world.load([acl, []]);
    const offer = dhcpAnswer(macOf(2), '192.168.3.66', [53, 1, 2]);
    const advertisement = icmp6('fe80::1', 'ff02::1', routerAdvertisement());
    const signs = { dhcp: '\xc0\xa8\x03\x42', router: advertisement.subarray(40, 46).toString('latin1') };
    const got = await onLan(Object.values(signs), async () => {
      await world.send(
        'app1',
        frame(BROADCAST, macOf(1), IPV4, udp4(addressOf(1), '255.255.255.255', [67, 68], offer)),
      );
      await world.send('app1', frame('33:33:00:00:00:01', macOf(1), IPV6, advertisement));
    });
    assert.deepEqual(got, [...(offers ? [signs.dhcp] : []), ...(advertises ? [signs.router] : [])]);
  });
}

test('DHCP of an app as client passes without an ACE; its requests reach no other app', async () => {
  await world.load([[], []]);
  const request = frame(BROADCAST, macOf(1), IPV4, udp4('0.0.0.0', '255.255.255.255', [68, 67], text('dhcp-request')));
  assert.deepEqual(await onLan(['dhcp-request'], () => world.send('app1', request)), ['dhcp-request']);
  assert.deepEqual(await seen('app2', 'eth0', ['dhcp-request'], () => world.send('app1', request)), []);
  await world.load([[], [ace(1, nameDhcp)]]);
  assert.deepEqual(await seen('app2', 'eth0', ['dhcp-request'], () => world.send('app1', request)), ['dhcp-request']);
});

test('what the network tells everybody is not listed as a denied flow of every app', async () => {
  await world.load([[], []]);
  await world.forget();
  await world.sendOnLan(
    frame(BROADCAST, '02:00:00:00:00:77', IPV4, udp4(LAN, '192.168.3.255', [137, 137], text('netbios'))),
  );
  await world.sendOnLan(
    frame(macOf(1), '02:00:00:00:00:77', IPV4, udp4(LAN, addressOf(1), [137, 137], text('netbios'))),
  );
  await sleep(100);
  const listed = (await world.denied()).filter(flow => flow.port === 137);
  assert.deepEqual(
    listed.map(flow => [flow.by.vif, flow.destination, flow.inbound]),
    [[1, addressOf(1), true]],
  );
});

test('an error about what an app sent reaches it, whoever the router is', async () => {
  await world.exec('lan', 'ip', 'route', 'replace', 'unreachable', '198.51.100.0/24');
  await world.exec('lan', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await world.load([[ace(1, { ip: '198.51.100.77' })], []]);
  const told = await world.exec('app1', 'sh', '-c', 'ping -c1 -W2 198.51.100.77 || true');
  assert.match(told, /Destination Host Unreachable/);
});
