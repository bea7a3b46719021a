import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { applyRuleset, readFingerprint } from '../../../netns-manager/acl/apply.ts';
import { endedFlows } from '../../../netns-manager/acl/ended-flows.ts';
import { hostSetName } from '../../../netns-manager/acl/host-set.ts';
import { type RulesetInput, renderRuleset } from '../../../netns-manager/acl/ruleset.ts';
import { type Conntrack, conntrackBy, deleteConntrack, listConntrack } from '../../../shared/kernel/conntrack.ts';
import { type Ace, AceAction } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { everything } from '../../unit/netns-manager/acl/scenario.ts';
import { Firewall, inputOf } from './firewall.ts';
import { createWorld, type World } from './world.ts';

const SILENCE_MS = 300;
const [OUT_A, OUT_B] = ['203.0.113.10', '198.51.100.20'];

let world: World;
before(async () => {
  world = await createWorld(2);
});
after(() => world?.[Symbol.asyncDispose]());

const fingerprintOf = (input: RulesetInput) => readFingerprint(renderRuleset(input), world.nft);
const conntrack: Conntrack = (args, input) => conntrackBy(['ip', 'netns', 'exec', world.netns('ni')])(args, input);

test('the fingerprint is the same at every look and whatever the packets do', async () => {
  const firewall = new Firewall(world);
  const input = inputOf([[ace(1, { host: 'host.example' })], []]);
  const { fingerprint } = await firewall.load(input);
  assert.equal(await fingerprintOf(input), fingerprint);
  await world.agent('app1').ask({ op: 'connect', to: OUT_B, port: 80, timeoutMs: 3000 });
  await world.agent('app1').ask({ op: 'udp', to: OUT_A, port: 9, count: 3 });
  await world.nft(['add', 'element', 'inet', 'nibox', hostSetName('host.example', 4), '{ 192.0.2.5 }']);
  assert.equal((await firewall.denied()).length, 1, 'packets did change the sets');
  assert.equal(await fingerprintOf(input), fingerprint);
});

test('the same ruleset made anew has the same fingerprint', async () => {
  const input = { ...everything, uplinkDevice: 'uplink' };
  const first = await applyRuleset(renderRuleset(input), null, world.nft);
  const second = await applyRuleset(renderRuleset(input), null, world.nft);
  assert.equal(first.fingerprint, second.fingerprint);
});

test('whatever someone changes in the tables shows in the fingerprint', async () => {
  const firewall = new Firewall(world);
  const input = inputOf([[ace(1, { eidset: true })], [ace(1, { ip: '192.0.2.0/24' })]]);
  const changes = [
    'add rule inet nibox prerouting accept',
    'insert rule inet nibox vif_1 accept',
    'flush chain inet nibox to_1',
    'add element inet nibox eids4 { 192.0.2.77 }',
    'delete element inet nibox eids6 { fd09::2 }',
    'delete element inet nibox dropped { 0x01bfffff }',
    'add chain inet nibox extra { type filter hook prerouting priority -200; }',
    'flush chain bridge nibox forward',
    'add set inet nibox more { type ipv4_addr; }',
    'delete table bridge nibox',
    'flush ruleset',
  ];
  for (const change of changes) {
    const { fingerprint } = await new Firewall(world).load(input);
    await world.nft(['-f', '-'], `${change}\n`);
    assert.notEqual(await fingerprintOf(input), fingerprint, change);
  }
  assert.equal(await fingerprintOf(input), null, 'no table: no fingerprint');
  await firewall.load(input);
});

test('a ruleset that is there already is not written again', async () => {
  const firewall = new Firewall(world);
  const input = inputOf([[ace(1)], []]);
  const first = await firewall.load(input);
  assert.deepEqual(await firewall.load(input), { fingerprint: first.fingerprint, written: 0, rebuilt: false });
});

test('one changed ACE leaves counters, host sets and denied flows of the others as they were', async () => {
  const firewall = new Firewall(world);
  const untouched = [ace(1, { host: 'host.example' }), ace(2, { ip: '203.0.113.10', protocol: 'tcp' })];
  await firewall.load(inputOf([[...untouched, ace(3, { ip: '192.0.2.0/24' })], []]));
  await world.nft(['add', 'element', 'inet', 'nibox', hostSetName('host.example', 4), '{ 192.0.2.5 }']);
  await world.agent('app1').ask({ op: 'connect', to: OUT_A, port: 80, timeoutMs: 3000 });
  await world.agent('app1').ask({ op: 'udp', to: OUT_A, port: 9, count: 1 });
  const [counts, denied] = [await firewall.counts(), await firewall.denied()];
  assert.deepEqual(counts, { '1/2': 1, '1/0': 1 });

  const applied = await firewall.load(
    inputOf([[...untouched, ace(3, { ip: '192.0.3.0/24' }), ace(4, { protocol: 'udp' })], []]),
  );
  assert.deepEqual([applied.written, applied.rebuilt], [1, false]);
  assert.deepEqual(await firewall.counts(), counts);
  assert.deepEqual(
    (await firewall.denied()).map(flow => flow.port),
    denied.map(flow => flow.port),
  );
  assert.match(
    await world.nft(['list', 'set', 'inet', 'nibox', hostSetName('host.example', 4)]),
    /192\.0\.2\.5/,
    'what dnsmasq had put in',
  );
  assert.equal(await world.agent('app1').ask({ op: 'askUdp', to: OUT_A, port: 80, timeoutMs: 3000 }), 'answered');
});

test('every step between rulesets of all shapes is accepted by the kernel as a difference', async () => {
  const firewall = new Firewall(world);
  const limit = { action: AceAction.LIMIT, limitRate: 5, limitUnit: 'second', limitBurst: 15 };
  const portmap = { action: AceAction.PORTMAP, protocol: 'tcp', lport: '8080', appPort: 80 };
  const steps: Ace[][][] = [
    [[], []],
    [[ace(1)], []],
    [[ace(1, limit), ace(2, { host: 'a.example' })], [ace(1, portmap)]],
    [[ace(2, { host: 'a.example' })], []],
    [
      [ace(2, { host: 'b.example' }), ace(1, limit)],
      [ace(1, { eidset: true }), ace(2, portmap)],
    ],
    [[ace(1, { action: AceAction.DROP })]],
    [],
    [[ace(1, { ip: '10.0.0.0/8' }), ace(2, { ip: '11.0.0.0/8' })], [ace(1)]],
  ];
  await firewall.load(inputOf(steps[0]!));
  for (const acls of steps.slice(1)) {
    const { rebuilt, fingerprint } = await firewall.load(inputOf(acls));
    assert.equal(rebuilt, false, JSON.stringify(acls));
    const loaded = await world.nft(['-s', 'list', 'table', 'inet', 'nibox']);
    assert.ok(fingerprint !== null && loaded.includes('chain prerouting'));
  }
});

test('a flushed ruleset is repaired by one transaction, and flows that were known go on', async () => {
  const firewall = new Firewall(world);
  const input = inputOf([[ace(1, { ip: OUT_A })], []]);
  await firewall.load(input);
  const stream = await world.agent('app1').ask<number>({ op: 'open', to: OUT_A, port: 80 });
  await world.nft(['flush', 'ruleset']);
  const more = inputOf([[ace(1, { ip: OUT_A }), ace(2, { ip: '192.0.2.1' })], []]);
  const applied = await firewall.load(more);
  assert.deepEqual([applied.written, applied.rebuilt], [1, true]);
  assert.equal(await world.agent('app1').ask({ op: 'exchange', stream, timeoutMs: 3000 }), 'answered');
  assert.equal(await world.agent('app1').ask({ op: 'connect', to: OUT_B, port: 80, timeoutMs: SILENCE_MS }), 'silence');
});

test('a flow that began while there were no rules is judged when they are back', async () => {
  const firewall = new Firewall(world);
  // A table of someone else, so that connections are tracked all the while.
  const others =
    'table inet other { chain c { type filter hook prerouting priority 0; policy accept; ct state new accept; }; }';
  await world.nft(['-f', '-'], `flush ruleset\n${others}\n`);
  const stream = await world.agent('app1').ask<number>({ op: 'open', to: '10.9.0.3', port: 80 });
  assert.equal(await world.agent('app1').ask({ op: 'exchange', stream, timeoutMs: 3000 }), 'answered');
  await firewall.load(inputOf([[ace(1)], [ace(1, { action: AceAction.DROP })]]));
  assert.equal(await world.agent('app1').ask({ op: 'exchange', stream, timeoutMs: SILENCE_MS }), 'silence');
  assert.equal(
    await world.agent('app1').ask({ op: 'exchange', stream, timeoutMs: 3 * SILENCE_MS }),
    'silence',
    'still',
  );
  await world.nft(['delete', 'table', 'inet', 'other']);
});

test('the flows of an ACE that went end, to the uplink and between apps; others go on', async () => {
  const firewall = new Firewall(world);
  const [toA, toB, toApp] = [ace(1, { ip: OUT_A }), ace(2, { ip: OUT_B }), ace(3, { ip: '10.9.0.0/24' })];
  const [web, other] = [ace(1, { protocol: 'tcp', lport: '80' }), ace(2, { protocol: 'tcp', lport: '81' })];
  const full = inputOf([
    [toA, toB, toApp],
    [web, other],
  ]);
  await firewall.load(full);
  const agent = world.agent('app1');
  const open = (to: string, port: number) => agent.ask<number>({ op: 'open', to, port });
  const streams = {
    gone: await open(OUT_A, 80),
    stays: await open(OUT_B, 80),
    refused: await open('10.9.0.3', 80),
    agreed: await open('10.9.0.3', 81),
  };
  const change = async (before: typeof full, after: typeof full) => {
    await firewall.load(after);
    const { marks, destinations } = endedFlows(before, after);
    await deleteConntrack(
      [
        ...marks.map(value => ({ mark: { value, mask: 0xffff_ffff } })),
        ...destinations.map(destination => ({ destination })),
      ],
      conntrack,
    );
  };
  const exchange = (stream: number, timeoutMs = 5000) => agent.ask({ op: 'exchange', stream, timeoutMs });

  const withoutA = inputOf([
    [toB, toApp],
    [web, other],
  ]);
  await change(full, withoutA);
  assert.equal(await exchange(streams.gone, SILENCE_MS), 'silence');
  for (const name of ['stays', 'refused', 'agreed'] as const)
    assert.equal(await exchange(streams[name]), 'answered', name);

  await change(withoutA, inputOf([[toB, toApp], [other]]));
  assert.equal(await exchange(streams.refused, SILENCE_MS), 'silence');
  for (const name of ['stays', 'agreed'] as const) assert.equal(await exchange(streams[name]), 'answered', name);
});

test('conntrack entries are read with mark and both directions, and forgotten by mark in both families', async () => {
  const firewall = new Firewall(world);
  await firewall.load(inputOf([[ace(5, { fport: '443' })], []]));
  await conntrack(['-F']);
  await world.agent('app1').ask({ op: 'connect', to: OUT_A, port: 443, timeoutMs: 3000 });
  await world.agent('app1').ask({ op: 'askUdp', to: '2001:db8:a::10', port: 443, timeoutMs: 3000 });
  const entries = (await listConntrack(conntrack)).filter(entry => entry.mark === 0x0140_0005);
  assert.deepEqual(entries.map(entry => [entry.family, entry.protocol, entry.original.source]).sort(), [
    [4, 6, '10.9.0.2'],
    [6, 17, 'fd09::2'],
  ]);
  assert.ok(entries.every(entry => ['169.254.77.2', 'fd77::2'].includes(entry.reply.destination) && entry.id > 0));
  await deleteConntrack([{ mark: { value: 1, mask: 0xffff_ffff } }], conntrack);
  assert.equal((await listConntrack(conntrack)).filter(entry => entry.mark === 0x0140_0005).length, 2);
  await deleteConntrack([{ mark: { value: 0x0140_0005, mask: 0xffff_ffff } }], conntrack);
  assert.equal((await listConntrack(conntrack)).filter(entry => entry.mark === 0x0140_0005).length, 0);
});

test('a flow that began while there were no rules is not let out untranslated, and is a new one once it is forgotten', async () => {
  await world.nft(['flush', 'ruleset']);
  await conntrack(['-F']);
  // Conntrack works as soon as any rule asks for it, also before the first rule of ours.
  await world.nft(
    ['-f', '-'],
    'table inet other { chain every { type filter hook prerouting priority 0; ct state new counter; }; }',
  );
  const send = async () => {
    const to = `UDP:${OUT_A}:9999,sourceport=5555`;
    await world.exec('app1', 'sh', '-c', `echo hi | socat -u - ${to}`);
    const flow = (await listConntrack(conntrack)).find(({ original }) => original.sourcePort === 5555);
    return flow && { mark: flow.mark, answersTo: flow.reply.destination };
  };
  const untranslated = { mark: 0, answersTo: '10.9.0.2' };
  assert.deepEqual(await send(), untranslated);
  await new Firewall(world).load(inputOf([[ace(5, { fport: '9999' })], []]));
  assert.deepEqual(await send(), untranslated, 'known by its mark still');
  await deleteConntrack([{ mark: { value: 0, mask: 0xffff_ffff } }], conntrack);
  assert.deepEqual(await send(), { mark: 0x0140_0005, answersTo: '169.254.77.2' });
});
