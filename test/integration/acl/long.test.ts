import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { userMark } from '../../../netns-manager/acl/mark.ts';
import { conntrackBy, listConntrack } from '../../../shared/kernel/conntrack.ts';
import { type Ace, AceAction } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { Firewall, inputOf } from './firewall.ts';
import { decide, type Flow } from './reference.ts';
import { appVif, createWorld, type World } from './world.ts';

const LIMIT = { action: AceAction.LIMIT, limitRate: 50, limitUnit: 'second', limitBurst: 15 };

/** Hosts, their networks and the networks around those, with several ports and protocols each; some drop, some limit. */
function overlapping(count: number, first = 100): Ace[] {
  return Array.from({ length: count }, (_, index) => {
    const group = index >> 2;
    const low = `${64 + (group >> 8)}.${group & 255}`;
    const around = `${64 + ((group >> 4) & 63)}.${(group & 15) << 4}.0/20`;
    const ip = `${first}.${index % 4 === 3 ? around : index % 4 === 2 ? `${low}.7` : `${low}.0/24`}`;
    const action = index % 5 === 0 ? { action: AceAction.DROP } : index % 7 === 0 ? LIMIT : {};
    const ports = { lport: `${5001 + (index % 5)}`, fport: index % 11 === 0 ? '1000-9000' : `${1000 + (index % 3)}` };
    return ace(index + 1, { ip, protocol: index % 3 === 0 ? 'udp' : 'tcp', ...ports, ...action });
  });
}

/** From app1 to some of these ACEs' networks. */
function flowsInto(acl: readonly Ace[]): Flow[] {
  return acl
    .filter((_, index) => index % Math.ceil(acl.length / 60) === 0)
    .flatMap(({ ip, protocol, lport }) =>
      [1000, 1001, 4000].map(
        (destinationPort): Flow => ({
          source: '10.9.0.2',
          destination: ip.replace(/(\d+)(\/\d+)?$/, '7'),
          protocol: protocol as Flow['protocol'],
          sourcePort: Number(lport),
          destinationPort,
        }),
      ),
    )
    .filter(({ protocol }) => protocol === 'udp'); // a socket for each TCP flow would take too long
}

let world: World;
before(async () => {
  world = await createWorld(2);
});
after(() => world?.[Symbol.asyncDispose]());

/** Lets app1 open flows and compares with the model who allowed them. */
async function compare(firewall: Firewall, acls: Ace[][]): Promise<void> {
  await firewall.forget();
  const flows = flowsInto(acls[0]!);
  await world.agent('app1').ask({
    op: 'burst',
    flows: flows.map(({ protocol, destination, destinationPort, sourcePort }) => {
      return { protocol, to: destination, port: destinationPort, localPort: sourcePort };
    }),
  });
  const known = await listConntrack(conntrackBy(['ip', 'netns', 'exec', world.netns('ni')]));
  const keyOf = (port: number, destination: string, to: number) => `${port} ${destination} ${to}`;
  const marks = new Map(
    known.map(({ original, mark }) => [
      keyOf(original.sourcePort, original.destination, original.destinationPort),
      mark,
    ]),
  );
  const vifs = acls.map((acl, index) => appVif(index + 1, acl));
  const seen = new Set<string>();
  for (const flow of flows) {
    const { allowed, vif, ace: id } = decide(flow, vifs[0]!, vifs, { eids: [], hosts: new Map() });
    const mark = marks.get(keyOf(flow.sourcePort, flow.destination, flow.destinationPort));
    assert.equal(mark, allowed ? userMark(vif, id, false) : undefined, JSON.stringify(flow));
    seen.add(`${allowed} ${id === 0}`);
  }
  assert.ok(seen.has('true false') && seen.has('false false') && seen.has('false true'), 'of each kind some');
}

test('1000 ACEs over overlapping networks load where one transaction does not hold them, and are matched in order', async () => {
  const firewall = new Firewall(world);
  const acls = [overlapping(1000), [ace(1)]];
  const { written, rebuilt } = await firewall.load(inputOf(acls));
  assert.ok(written > 1 && rebuilt, `${written} transactions`);
  await compare(firewall, acls);
});

test('a long ACL in the place of another one, and taken away: what does not belong to it stays', async () => {
  const firewall = new Firewall(world);
  const [before, other] = [overlapping(2000), [ace(1, { ip: '10.9.0.0/24' }), ace(2, { ip: '203.0.113.0/24' })]];
  await firewall.load(inputOf([before, other]));
  const app2 = world.agent('app2');
  const open = () => app2.ask({ op: 'connect', to: '203.0.113.10', port: 80, timeoutMs: 3000 });
  assert.equal(await open(), 'answered');
  const stream = await app2.ask<number>({ op: 'open', to: '203.0.113.10', port: 80 });

  const after = overlapping(2000, 101);
  const changed = await firewall.load(inputOf([after, other]));
  assert.ok(changed.written > 1 && !changed.rebuilt, `${changed.written} transactions`);
  assert.equal(await app2.ask({ op: 'exchange', stream, timeoutMs: 3000 }), 'answered');
  assert.deepEqual(await firewall.counts(), { '2/2': 2 });
  await compare(firewall, [after, other]);

  const removed = await firewall.load(inputOf([[], other]));
  assert.equal(removed.rebuilt, false);
  const listing = async () => (await world.nft(['-s', '-t', 'list', 'table', 'inet', 'nibox'])).split('\n').sort();
  const left = await listing();
  await new Firewall(world).load(inputOf([[], other]));
  assert.deepEqual(left, await listing(), 'nothing is left');
});

test('one ACE more in a long ACL is one small transaction, and no counter of another one begins anew', async () => {
  const scripts: string[] = [];
  const firewall = new Firewall({
    ...world,
    nft: (args, input) => {
      if (input !== undefined) scripts.push(input);
      return world.nft(args, input);
    },
  });
  const acl = [ace(9999, { ip: '203.0.113.10', protocol: 'tcp' }), ...overlapping(1000)];
  await firewall.load(inputOf([acl, []]));
  const connect = (to: string) => world.agent('app1').ask({ op: 'connect', to, port: 80, timeoutMs: 3000 });
  assert.equal(await connect('203.0.113.10'), 'answered');
  scripts.length = 0;
  const more = [...acl, ace(5000, { ip: '198.51.100.20', protocol: 'tcp', lport: '1-65535', fport: '80' })];
  const { written, rebuilt } = await firewall.load(inputOf([more, []]));
  assert.deepEqual([written, rebuilt, scripts.length], [1, false, 1]);
  assert.ok(scripts[0]!.length < 1000, scripts[0]);
  assert.equal(await connect('198.51.100.20'), 'answered');
  assert.deepEqual(await firewall.counts(), { '1/9999': 1, '1/5000': 1 });
});

test('5000 ACEs on one VIF load', async () => {
  const firewall = new Firewall(world);
  const acls = [overlapping(5000), []];
  await firewall.load(inputOf(acls));
  await compare(firewall, acls);
});
