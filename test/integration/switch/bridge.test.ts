import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { appVif, createSwitchWorld, LAN, macOf, ni, type SwitchWorld } from './world.ts';

const allow = [ace(1)];
const NOTHING = { driftRepairs: 0, ipBatches: 0, nftTransactions: 0 };
const TWO_PORTS = {
  ports: [
    { name: 'eth3', deviceEnd: 'eth3-dev' },
    { name: 'eth4', deviceEnd: 'eth4-dev' },
  ],
};

let world: SwitchWorld;
before(async () => {
  world = await createSwitchWorld(2);
});
after(() => world?.[Symbol.asyncDispose]());
afterEach(async () => {
  await world.load([allow, allow]);
});

const pings = (place: string, to: string) =>
  world.exec(place, 'ping', '-c1', '-W2', to).then(
    () => true,
    () => false,
  );

/** Asks again until it holds: the kernel tells a bridge of a port that came up within a second. */
async function soon(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`still not so: ${what}`);
    await sleep(100);
  }
}
const reaches = (place: string, to = LAN) => soon(`${place} reaches ${to}`, () => pings(place, to));

async function link(name: string): Promise<{ master?: string; mtu: number; flags: string[]; state?: string }> {
  const [found] = JSON.parse(await world.exec('ni', 'ip', '-j', '-d', 'link', 'show', 'dev', name));
  return { ...found, state: found.linkinfo?.info_slave_data?.state };
}

test('a second pass writes nothing, and neither does a successor that finds all in place', async () => {
  const first = await world.load([allow, allow]);
  assert.deepEqual([first.errors, first.wrong], [{}, {}]);
  await soon('the port forwards', async () => (await world.load([allow, allow])).ports[0]?.state === 'forwarding');
  const { counts } = await world.load([allow, allow]);
  assert.deepEqual(counts, first.counts);
  await world.manager.ask({ op: 'start', runDirectory: world.runDirectory });
  assert.deepEqual((await world.load([allow, allow])).counts, NOTHING);
});

test('the bridge has no address, and the namespace says nothing by itself', async () => {
  const capture = world
    .exec('lan', 'timeout', '4', 'tcpdump', '-n', '-l', '-e', '-i', 'lan0')
    .catch(error => error.stdout);
  await sleep(500);
  await world.ip('ni', [
    'link set dev eth3 down',
    'link set dev eth3 up',
    'link set dev br down',
    'link set dev br up',
  ]);
  const own = JSON.parse(await world.exec('ni', 'ip', '-j', 'addr', 'show')) as {
    addr_info: unknown[];
    address: string;
  }[];
  assert.deepEqual(
    own.flatMap(({ addr_info = [] }) => addr_info),
    [],
  );
  const seen = String(await capture);
  for (const { address } of own) assert.doesNotMatch(seen, new RegExp(`${address} > `));
});

for (const { what, lines } of [
  { what: 'a port that was taken out of the bridge', lines: ['link set dev eth3 nomaster'] },
  { what: 'a port that is down', lines: ['link set dev eth3 down'] },
  { what: 'a VIF that was taken out of the bridge', lines: ['link set dev v1 nomaster'] },
  { what: 'a VIF that is not locked', lines: ['link set dev v1 type bridge_slave locked off learning on'] },
  { what: 'a bridge with an address', lines: ['addr add 192.168.3.5/24 dev br'] },
  { what: 'a bridge that is gone', lines: ['link del dev br'] },
  { what: 'a bridge that speaks spanning tree', lines: ['link set dev br type bridge stp_state 1'] },
]) {
  test(`${what} is put right and told as drift`, async () => {
    await world.load([allow, allow]);
    const before = await world.load([allow, allow]);
    await world.ip('ni', lines);
    const after = await world.load([allow, allow]);
    assert.equal(after.counts.driftRepairs, before.counts.driftRepairs + 1);
    assert.deepEqual([after.errors, after.wrong], [{}, {}]);
    assert.deepEqual((await world.load([allow, allow])).counts, after.counts);
    await reaches('app1');
  });
}

test('a flushed ruleset is put back in one transaction and told as drift; nothing passed meanwhile that may not', async () => {
  await world.load([allow, []]);
  const before = await world.load([allow, []]);
  await world.exec('ni', 'nft', 'flush', 'ruleset');
  const after = await world.load([allow, []]);
  assert.deepEqual(
    [after.counts.driftRepairs, after.counts.nftTransactions, after.rulesRebuilt],
    [before.counts.driftRepairs + 1, before.counts.nftTransactions + 1, true],
  );
  await reaches('app1');
  assert.equal(await pings('app2', LAN), false);
});

test('a link that the supervisor has just put in is no drift; one of an app that has vanished is', async () => {
  const before = await world.load([allow, allow], TWO_PORTS);
  assert.deepEqual(before.ports.map(({ state }) => state).slice(1), ['absent']);
  assert.deepEqual(before.wrong, { 'port:eth4': 'pending' });
  await world.ip('ni', ['link add name eth4 type veth peer name eth4-far']);
  const joined = await world.load([allow, allow], TWO_PORTS);
  assert.equal(joined.counts.driftRepairs, before.counts.driftRepairs);
  assert.equal((await link('eth4')).master, 'br');
  await world.ip('ni', ['link del dev eth4', 'link del dev v2']);
  const gone = await world.load([allow, allow], TWO_PORTS);
  assert.equal(gone.counts.driftRepairs, before.counts.driftRepairs + 1);
  await world.attach(2);
});

test('a VIF of an app that is no longer there leaves nothing in the bridge', async () => {
  await world.load([allow, allow]);
  await world.reconcile([appVif(2, allow)]);
  assert.doesNotMatch(await world.exec('ni', 'bridge', 'fdb', 'show'), new RegExp(macOf(1)));
});

test('the MTU of the network instance is that of bridge and VIFs, and the port keeps its own', async () => {
  await world.load([allow, allow], { mtu: 1400 });
  assert.deepEqual([(await link('br')).mtu, (await link('v1')).mtu, (await link('eth3')).mtu], [1400, 1400, 1500]);
  await world.load([allow, allow]);
  assert.equal((await link('br')).mtu, 1500);
});

test('an access VLAN in a kernel without VLAN filtering closes the VIF and says why; others work on', async t => {
  const canFilter = await world.exec('ni', 'ip', '-j', '-d', 'link', 'show', 'dev', 'br');
  if (canFilter.includes('vlan_default_pvid')) return t.skip('this kernel filters VLANs');
  await world.load([allow, allow]);
  const { errors, wrong } = await world.reconcile([{ ...appVif(1, allow), accessVlan: 100 }, appVif(2, allow)]);
  assert.match(errors['vif:v1'] ?? '', /access VLAN 100: this kernel has no VLAN filtering .* stays closed/);
  assert.deepEqual(wrong, { 'vif:v1': 'error' });
  assert.equal((await link('v1')).master, undefined);
  await reaches('app2');
  assert.equal(await pings('app1', LAN), false);
  await world.load([allow, allow]);
  await reaches('app1');
});

test('two ports to the same network make no loop: one of them blocks', async () => {
  await world.ip('lan', [
    'link add name lanbr type bridge stp_state 0 forward_delay 0',
    'addr flush dev lan0',
    `link add name lan1 type veth peer name eth4 netns ${world.netns('ni')}`,
    'link set dev lan0 master lanbr',
    'link set dev lan1 master lanbr',
    `addr add ${LAN}/24 dev lanbr`,
    'link set dev lan1 up',
  ]);
  const joined = await world.load([allow, allow], TWO_PORTS);
  assert.deepEqual([joined.errors, joined.ports.length], [{}, 2]);
  await world.ip('lan', ['link set dev lanbr up']);
  await soon('one port blocks and the other forwards', async () => {
    const { ports } = await world.load([allow, allow], TWO_PORTS);
    return (
      ports
        .map(({ state }) => state)
        .sort()
        .join() === 'blocking,forwarding'
    );
  });
  await reaches('app1');
  const packets = async () =>
    Number(
      /"rx":\{"bytes":\d+,"packets":(\d+)/.exec(
        await world.exec('lan', 'ip', '-j', '-s', 'link', 'show', 'dev', 'lan0'),
      )?.[1],
    );
  const before = await packets();
  await world.exec('app1', 'ping', '-c3', '-i0.2', '-b', '192.168.3.255').catch(() => {});
  assert.ok((await packets()) - before < 200, 'no storm');

  await world.ip('ni', ['link del dev eth4']);
  await world.load([allow, allow], { ports: ni.ports });
  await soon('the last port forwards', async () => (await link('eth3')).state === 'forwarding');
  await world.ip('lan', ['link set dev lan0 nomaster', 'link del dev lanbr', `addr add ${LAN}/24 dev lan0`]);
  await world.load([allow, allow]);
  await reaches('app1');
});
