import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { userMark } from '../../../netns-manager/acl/mark.ts';
import { conntrackBy, listConntrack } from '../../../shared/kernel/conntrack.ts';
import { type Ace, AceAction, AceDirection } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { Firewall, inputOf } from './firewall.ts';
import { decide, type Flow, type Names } from './reference.ts';
import { appVif, createWorld, type World } from './world.ts';

const APPS = 3;
const addresses4 = [
  '203.0.113.10',
  '203.0.113.77',
  '198.51.100.20',
  '192.0.2.1',
  '192.0.2.130',
  '10.9.0.3',
  '10.9.0.4',
];
const addresses6 = ['2001:db8:a::10', '2001:db8:a:1::1', '2001:db8:b::20', 'fd09::3', 'fd09::4'];
const networks = [
  ...addresses4,
  ...addresses6,
  ...['203.0.113.0/24', '203.0.113.64/26', '203.0.112.0/20', '192.0.2.0/25', '0.0.0.0/0', '10.9.0.0/24', '10.9.0.2'],
  ...['2001:db8:a::/48', '2001:db8::/32', '::/0', 'fd09::/64', 'fd09::2'],
];
const names: Names = {
  eids: ['10.9.0.2', '10.9.0.3', '10.9.0.4', 'fd09::2', 'fd09::3', 'fd09::4', '203.0.113.10', '2001:db8:a::10'],
  hosts: new Map([['host.example', ['198.51.100.20', '2001:db8:b::20']]]),
};
const LOCAL_PORTS = [5001, 5002, 5003, 5004];
const REMOTE_PORTS = [1001, 1002, 1003, 1010, 1020];

const ports = (values: number[]) =>
  fc.oneof(
    fc.constant(''),
    fc.constantFrom(...values).map(String),
    fc.tuple(fc.constantFrom(...values), fc.nat({ max: 12 })).map(([low, width]) => `${low}-${low + width}`),
  );
const randomAce = fc
  .record({
    remote: fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      { weight: 5, arbitrary: fc.constantFrom(...networks).map(ip => ({ ip })) },
      { weight: 1, arbitrary: fc.constant({ host: 'host.example' }) },
      { weight: 1, arbitrary: fc.constant({ eidset: true }) },
    ),
    protocol: fc.constantFrom('', 'tcp', 'udp', 'udp'),
    lport: ports([...LOCAL_PORTS, ...REMOTE_PORTS]),
    fport: ports(REMOTE_PORTS),
    action: fc.constantFrom(AceAction.ALLOW, AceAction.ALLOW, AceAction.DROP),
    direction: fc.constantFrom(AceDirection.BOTH, AceDirection.BOTH, AceDirection.EGRESS, AceDirection.INGRESS),
  })
  .map(({ remote, protocol, lport, fport, action, direction }) => ({
    ...remote,
    ...{ protocol, action, direction },
    // Ports are only legal with a protocol.
    ...(protocol !== '' && { lport, fport }),
  }));
const randomAcl = (size: number) =>
  fc
    .array(randomAce, { minLength: size, maxLength: size })
    .map(list => list.map((given, index) => ace(index + 1, given)));

let world: World;
let firewall: Firewall;
before(async () => {
  world = await createWorld(APPS);
  firewall = new Firewall(world);
  // conntrack forgets a connection that is reset at once, before it can be looked at.
  const rules =
    'add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o tcp flags rst drop';
  for (const place of ['device', 'app2', 'app3']) await world.exec(place, 'nft', rules);
});
after(() => world?.[Symbol.asyncDispose]());

/** Every combination, each once: the kernel must see a first packet of each. */
function allFlows(): Flow[] {
  return [...addresses4, ...addresses6].flatMap(destination =>
    (['udp', 'tcp'] as const).flatMap(protocol =>
      REMOTE_PORTS.flatMap(destinationPort =>
        LOCAL_PORTS.slice(0, protocol === 'tcp' ? 1 : 4).map(sourcePort => ({
          source: destination.includes(':') ? 'fd09::2' : '10.9.0.2',
          destination,
          protocol,
          sourcePort,
          destinationPort,
        })),
      ),
    ),
  );
}

/** Loads the ACLs, lets app1 open all flows, and compares what the kernel did with each to the model. */
async function compare(acls: Ace[][]): Promise<void> {
  const input = inputOf(acls);
  await firewall.load(input);
  await firewall.forget();
  const flows = allFlows();
  await world.agent('app1').ask({
    op: 'burst',
    flows: flows.map(flow => ({
      protocol: flow.protocol,
      to: flow.destination,
      port: flow.destinationPort,
      localPort: flow.sourcePort,
    })),
  });
  const known = await listConntrack(conntrackBy(['ip', 'netns', 'exec', world.netns('ni')]));
  const marks = new Map(
    known.map(({ protocol, original: { source, destination, sourcePort, destinationPort }, mark }) => [
      [source, protocol, sourcePort, destination, destinationPort].join(' '),
      mark,
    ]),
  );
  const denied = new Set(
    (await firewall.denied()).map(flow =>
      [flow.source, flow.protocol, flow.destination, flow.port, flow.by.vif, flow.by.user ? flow.by.ace : 0].join(' '),
    ),
  );
  const vifs = acls.map((acl, index) => appVif(index + 1, acl));
  for (const flow of flows) {
    const { allowed, vif, ace } = decide(flow, vifs[0]!, vifs, names);
    const protocol = flow.protocol === 'tcp' ? 6 : 17;
    const mark = marks.get([flow.source, protocol, flow.sourcePort, flow.destination, flow.destinationPort].join(' '));
    const what = `${JSON.stringify(flow)} should be ${allowed ? 'allowed' : 'denied'} by VIF ${vif}, ACE ${ace}`;
    assert.equal(mark, allowed ? userMark(vif, ace, false) : undefined, what);
    const key = [flow.source, protocol, flow.destination, flow.destinationPort, vif, ace].join(' ');
    if (!allowed) assert.ok(denied.has(key), `${what}, and listed`);
  }
}

test('the kernel decides as the model does, for random ACLs of sender and receivers', async () => {
  const acls = fc.tuple(
    fc.integer({ min: 0, max: 30 }).chain(randomAcl),
    fc.integer({ min: 0, max: 8 }).chain(randomAcl),
    fc.integer({ min: 0, max: 8 }).chain(randomAcl),
  );
  await fc.assert(fc.asyncProperty(acls, compare), { numRuns: Number(process.env.NUM_RUNS ?? 8), endOnFailure: true });
});

test('1000 ACEs that shadow each other load in one transaction and are matched in their order', async () => {
  // No catch-all: it would shadow all the rest at once.
  const narrow = randomAce.filter(given => 'ip' in given && !given.ip.endsWith('/0') && given.protocol !== '');
  const acl = fc.sample(narrow, { seed: 7, numRuns: 1000 }).map((given, index) => ace(index + 1, given));
  const began = performance.now();
  const { written } = await firewall.load(inputOf([acl, [ace(1)], []]));
  assert.equal(written, 1);
  assert.ok(performance.now() - began < 10_000, 'within seconds, even on a busy machine');
  await compare([acl, [ace(1)], []]);
});

test('of 1000 ACEs the last one decides what none before it matches', async () => {
  const acl = Array.from({ length: 999 }, (_, i) =>
    ace(i + 1, { ip: `100.${64 + (i >> 8)}.${i & 255}.0/24`, protocol: 'tcp', fport: `${1000 + (i % 7)}` }),
  );
  await firewall.load(inputOf([[...acl, ace(1000, { ip: '203.0.113.0/24' })], [], []]));
  await firewall.forget();
  assert.equal(
    await world.agent('app1').ask({ op: 'connect', to: '203.0.113.10', port: 80, timeoutMs: 3000 }),
    'answered',
  );
  assert.deepEqual(await firewall.counts(), { '1/1000': 1 });
});
