import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AceAction } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { Firewall, inputOf } from './firewall.ts';
import { appVif, createWorld, ni, type World } from './world.ts';

const allow = ace(1);
const SILENCE_MS = 300;
const BROADCAST = 'ffffffffffff';

let world: World;
let firewall: Firewall;
before(async () => {
  world = await createWorld(3);
  firewall = new Firewall(world);
  await firewall.load(inputOf([[allow], [allow], [ace(1, { action: AceAction.DROP })]]));
});
after(() => world?.[Symbol.asyncDispose]());

const macOf = (n: number) => appVif(n).mac.replaceAll(':', '');

/** An IPv4 UDP datagram without checksum, as hex, from app1. */
function udp(destination: string, port: number, text: string): string {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(28);
  header[0] = 0x45;
  header.writeUInt16BE(28 + payload.length, 2);
  header[8] = 64;
  header[9] = 17;
  Buffer.from('10.9.0.2'.split('.').map(Number)).copy(header, 12);
  Buffer.from(destination.split('.').map(Number)).copy(header, 16);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
  header.writeUInt16BE(5555, 20);
  header.writeUInt16BE(port, 22);
  header.writeUInt16BE(8 + payload.length, 24);
  return Buffer.concat([header, payload]).toString('hex');
}

/** Which of the texts app n's interface saw while `send` went on. */
async function seen(n: number, texts: string[], send: () => Promise<void>): Promise<string[]> {
  const listener = spawn('ip', ['netns', 'exec', world.netns(`app${n}`), 'socat', '-u', 'INTERFACE:eth0', '-']);
  let captured = '';
  listener.stdout.on('data', (chunk: Buffer) => {
    captured += chunk.toString('latin1');
  });
  await sleep(300);
  await send();
  for (let i = 0; i < 20 && !texts.every(text => captured.includes(text)); i++) await sleep(25);
  listener.kill('SIGTERM');
  await once(listener, 'close');
  return texts.filter(text => captured.includes(text));
}

const sendFrame = (n: number, hex: string) => world.send(`app${n}`, Buffer.from(hex, 'hex'));

test('frames with a VLAN tag or of another protocol do not pass between apps, however much the ACLs allow', async () => {
  const plain = udp('10.9.0.3', 9999, 'plain-frame');
  const frames = [
    `${macOf(2)}${macOf(1)}8100000a0800${udp('10.9.0.3', 9999, 'tagged-frame')}`,
    `${macOf(2)}${macOf(1)}88b5${Buffer.from('experimental-frame-of-some-length-for-padding').toString('hex')}`,
    `${macOf(2)}${macOf(1)}0800${plain}`,
  ];
  const texts = ['tagged-frame', 'experimental-frame', 'plain-frame'];
  const got = await seen(2, texts, async () => {
    for (const frame of frames) await sendFrame(1, frame);
  });
  assert.deepEqual(got, ['plain-frame']);
});

test("a unicast address in a broadcast frame does not get round the receiver's ACL", async () => {
  const got = await seen(3, ['in-broadcast', 'elsewhere', 'true-broadcast'], async () => {
    await sendFrame(1, `${BROADCAST}${macOf(1)}0800${udp('10.9.0.4', 9999, 'in-broadcast')}`);
    await sendFrame(1, `${BROADCAST}${macOf(1)}0800${udp('203.0.113.10', 9999, 'elsewhere')}`);
    // Broadcast proper is the sender's affair alone.
    await sendFrame(1, `${BROADCAST}${macOf(1)}0800${udp('255.255.255.255', 9999, 'true-broadcast')}`);
  });
  assert.deepEqual(got, ['true-broadcast']);
});

test("a frame to the receiver's MAC is judged by the receiver, whatever address is in it", async () => {
  const got = await seen(3, ['other-address'], () =>
    sendFrame(1, `${macOf(3)}${macOf(1)}0800${udp('203.0.113.10', 9999, 'other-address')}`),
  );
  assert.deepEqual(got, []);
  assert.ok(
    (await firewall.denied()).some(
      flow => flow.by.vif === 3 && flow.by.ace === 1 && flow.inbound && flow.mac === appVif(1).mac,
    ),
  );
});

test('a frame to a MAC that no app has reaches nobody', async () => {
  await world.ip('app2', ['link set eth0 promisc on']);
  const got = await seen(2, ['to-nobody'], () =>
    sendFrame(1, `02163e0000aa${macOf(1)}0800${udp('203.0.113.10', 7777, 'to-nobody')}`),
  );
  assert.deepEqual(got, []);
});

test("a DHCP request reaches the manager's namespace and no other app", async () => {
  const got = await seen(2, ['dhcp-request'], () =>
    sendFrame(1, `${BROADCAST}${macOf(1)}0800${udp('255.255.255.255', 67, 'dhcp-request')}`),
  );
  assert.deepEqual(got, []);
});

test('an app gets nothing through under a MAC that is not its own', async () => {
  const connect = (to: string, timeoutMs: number) =>
    world.agent('app1').ask<string>({ op: 'connect', to, port: 80, timeoutMs });
  assert.equal(await connect('203.0.113.10', 3000), 'answered');
  const got = await seen(2, ['spoofed'], () =>
    sendFrame(1, `${macOf(2)}${macOf(3)}0800${udp('10.9.0.3', 9999, 'spoofed')}`),
  );
  assert.deepEqual(got, []);
  // The real owner's flows are denied by its own ACL; app1 must not get app2's rights by its MAC either.
  await world.ip('app1', [`link set eth0 address ${appVif(2).mac}`]);
  try {
    assert.equal(await connect('203.0.113.10', SILENCE_MS), 'silence');
    assert.equal(await connect('10.9.0.4', SILENCE_MS), 'silence');
  } finally {
    await world.ip('app1', [`link set eth0 address ${appVif(1).mac}`]);
  }
});

test('multicast from an app is judged by its own ACL alone', async () => {
  await firewall.load(inputOf([[ace(1, { ip: '239.1.1.1' })], [], []]));
  const got = await seen(2, ['allowed-group', 'other-group'], async () => {
    await sendFrame(1, `01005e010101${macOf(1)}0800${udp('239.1.1.1', 9999, 'allowed-group')}`);
    await sendFrame(1, `01005e010102${macOf(1)}0800${udp('239.1.1.2', 9999, 'other-group')}`);
  });
  assert.deepEqual(got, ['allowed-group']);
});

test('nothing leaves with an address that was not translated', async () => {
  await firewall.load(inputOf([[allow], [allow], []]));
  const capture = spawn('ip', ['netns', 'exec', world.netns('device'), 'socat', '-u', 'INTERFACE:toni', '-']);
  let captured = '';
  capture.stdout.on('data', (chunk: Buffer) => {
    captured += chunk.toString('latin1');
  });
  await sleep(300);
  await world.ip('app1', ['addr add 172.20.0.9/32 dev eth0']);
  await world.exec('app1', 'sh', '-c', 'echo foreign-source | socat -u - UDP:203.0.113.10:9999,bind=172.20.0.9');
  await world.exec('app1', 'sh', '-c', 'echo own-source | socat -u - UDP:203.0.113.10:9999');
  for (let i = 0; i < 40 && !captured.includes('own-source'); i++) await sleep(25);
  capture.kill('SIGTERM');
  await once(capture, 'close');
  assert.ok(captured.includes('own-source'), 'the capture sees packets');
  assert.ok(!captured.includes('foreign-source'));
  assert.match(await world.nft(['list', 'counter', 'inet', 'nibox', 'leaks']), /packets 1 /);
});

test('an app that is the next hop of a static route is the receiver of what goes there', async () => {
  const staticRoutes = [{ destination: '172.30.0.0/16', gateway: '10.9.0.3' }];
  await world.ip('ni', ['route add 172.30.0.0/16 via 10.9.0.3']);
  await world.ip('app2', ['addr add 172.30.0.1/32 dev lo']);
  const connect = (timeoutMs: number) =>
    world.agent('app1').ask<string>({ op: 'connect', to: '172.30.0.1', port: 80, timeoutMs });
  const withRoutes = { ni: { ...ni, staticRoutes } };
  await firewall.load(inputOf([[allow], [], []], withRoutes));
  assert.equal(await connect(SILENCE_MS), 'silence');
  assert.ok((await firewall.denied()).some(flow => flow.by.vif === 2 && flow.destination === '172.30.0.1'));
  await firewall.load(inputOf([[allow], [ace(1, { protocol: 'tcp', lport: '80' })], []], withRoutes));
  assert.equal(await connect(3000), 'answered');
});

test("the MSS of what goes out is clamped to the uplink's MTU", async () => {
  await firewall.load(inputOf([[allow], [], []]));
  await world.ip('ni', ['link set dev uplink mtu 1300']);
  const stream = await world.agent('app1').ask<number>({ op: 'open', to: '203.0.113.10', port: 80 });
  await world.agent('app1').ask({ op: 'exchange', stream, timeoutMs: 3000 });
  const sockets = await world.exec('device', 'ss', '-Htin', 'state', 'established', 'sport', '=', ':80');
  // What the device may send at most: its own MTU is 1500, so only the clamped option of the SYN makes it less than 1260.
  const sizes = [...sockets.matchAll(/ mss:(\d+)/g)].map(match => Number(match[1]));
  assert.ok(sizes.length > 0 && sizes.every(size => size > 1000 && size <= 1260), sockets);
});

test('a scan leaves no connections behind, and the list of denied flows stays bounded', async () => {
  await firewall.load(inputOf([[], [], []]));
  await firewall.forget();
  const flows = Array.from({ length: 5000 }, (_, i) => ({
    protocol: 'udp' as const,
    to: '203.0.113.10',
    port: 1 + i,
    localPort: 6000,
  }));
  await world.agent('app1').ask({ op: 'burst', flows });
  assert.equal(await world.exec('ni', 'conntrack', '-L', '-s', '10.9.0.2'), '');
  const denied = await firewall.denied();
  assert.ok(denied.length > 3500 && denied.length <= 2 * 4096, `${denied.length} listed`);
  assert.deepEqual(await firewall.counts(), { '1/0': 5000 });
});
