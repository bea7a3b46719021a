import assert from 'node:assert/strict';
import { BlockList, isIPv4 } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type Ace, AceAction, AceDirection } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { address6Of, addressOf, createSwitchWorld, LAN, LAN6, macOf, OUTSIDE, type SwitchWorld } from './world.ts';

/**
 * What an ACL on a switch means, written down a second time and as plainly as can be, beside what the kernel does: one datagram
 * for every combination of sender, receiver and ports.
 */

interface Datagram {
  from: string;
  source: string;
  to: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
}

const PORTS = [1001, 1002, 1003];
const APPS = [1, 2];
const networks = [
  ...OUTSIDE,
  ...[LAN, LAN6, addressOf(1), addressOf(2), address6Of(1), address6Of(2)],
  ...['203.0.113.0/24', '198.51.0.0/16', '192.168.3.0/24', '192.168.3.8/29', '0.0.0.0/0'],
  ...['2001:db8:a::/48', '2001:db8::/32', 'fd03::/64', '::/0'],
];

const ports = fc.oneof(
  fc.constant(''),
  fc.constantFrom(...PORTS).map(String),
  fc.tuple(fc.constantFrom(...PORTS), fc.nat({ max: 2 })).map(([low, width]) => `${low}-${low + width}`),
);
const randomAce = fc
  .record({
    ip: fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 4, arbitrary: fc.constantFrom(...networks) }),
    protocol: fc.constantFrom('', 'udp', 'udp', 'tcp'),
    lport: ports,
    fport: ports,
    action: fc.constantFrom(AceAction.ALLOW, AceAction.ALLOW, AceAction.DROP),
    direction: fc.constantFrom(AceDirection.BOTH, AceDirection.BOTH, AceDirection.EGRESS, AceDirection.INGRESS),
  })
  // Ports are only legal with a protocol.
  .map(given => (given.protocol === '' ? { ...given, lport: '', fport: '' } : given));
const randomAcl = (most: number) =>
  fc.array(randomAce, { maxLength: most }).map(list => list.map((given, index) => ace(index + 1, given)));

/** The ACE that decides, 0: none matches; and whether it lets the packet pass. */
function decide(acl: readonly Ace[], packet: Datagram, isFromApp: boolean): { ace: number; passes: boolean } {
  const remote = isFromApp ? packet.destination : packet.source;
  const [lport, fport] = isFromApp
    ? [packet.sourcePort, packet.destinationPort]
    : [packet.destinationPort, packet.sourcePort];
  const found = acl.find(
    one =>
      one.direction !== (isFromApp ? AceDirection.INGRESS : AceDirection.EGRESS) &&
      (one.ip === '' || inNetwork(remote, one.ip)) &&
      (one.protocol === '' || one.protocol === 'udp') &&
      inPorts(lport, one.lport) &&
      inPorts(fport, one.fport),
  );
  return { ace: found?.id ?? 0, passes: found !== undefined && found.action !== AceAction.DROP };
}

function inNetwork(address: string, network: string): boolean {
  const [base = '', length] = network.split('/');
  if (isIPv4(base) !== isIPv4(address)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(length ?? (isIPv4(base) ? 32 : 128)), isIPv4(base) ? 'ipv4' : 'ipv6');
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

function inPorts(port: number, range: string): boolean {
  if (range === '') return true;
  const [low, high] = range.split('-').map(Number);
  return port >= low! && port <= (high ?? low!);
}

let world: SwitchWorld;
before(async () => {
  world = await createSwitchWorld(APPS.length, { agents: true });
  // Nobody listens, and nobody is to say so: there are no packets but those of the test.
  const silence = 'add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o';
  for (const place of ['lan', 'app1', 'app2']) {
    await world.exec(place, 'nft', `${silence} icmp type destination-unreachable drop`);
    await world.exec(place, 'nft', 'add rule inet t o icmpv6 type destination-unreachable drop');
  }
  // Who has to look for a neighbour first throws away what he can't keep meanwhile.
  const lanMac = /link\/ether (\S+)/.exec(await world.exec('lan', 'ip', 'link', 'show', 'dev', 'lan0'))![1]!;
  const hosts = [
    ...APPS.flatMap(n => [addressOf(n), address6Of(n)].map(address => ({ place: `app${n}`, address, mac: macOf(n) }))),
    ...[LAN, LAN6].map(address => ({ place: 'lan', address, mac: lanMac })),
  ];
  for (const { place, device } of [
    { place: 'lan', device: 'lan0' },
    ...APPS.map(n => ({ place: `app${n}`, device: 'eth0' })),
  ]) {
    const others = hosts.filter(host => host.place !== place);
    await world.ip(
      place,
      others.map(({ address, mac }) => `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`),
    );
  }
});
after(() => world?.[Symbol.asyncDispose]());

function allDatagrams(): Datagram[] {
  const app = (n: number) => ({ place: `app${n}`, addresses: [addressOf(n), address6Of(n)] });
  const lan = { place: 'lan', addresses: [LAN, LAN6] };
  const outside = { place: 'lan', addresses: [...OUTSIDE] };
  const pairs = [
    [app(1), lan],
    [app(1), outside],
    [app(1), app(2)],
    [app(2), lan],
    [lan, app(1)],
    [lan, app(2)],
  ] as const;
  return pairs.flatMap(([a, b]) =>
    b.addresses.flatMap(destination =>
      PORTS.flatMap(sourcePort =>
        PORTS.map(destinationPort => ({
          from: a.place,
          source: a.addresses[isIPv4(destination) ? 0 : 1]!,
          to: b.place,
          destination,
          sourcePort,
          destinationPort,
        })),
      ),
    ),
  );
}

/** Lets everybody send, and compares counters and the list of denied flows to the model. */
async function compare(acls: readonly (readonly Ace[])[]): Promise<void> {
  await world.load(acls);
  await world.forget();
  const packets = allDatagrams();
  for (const place of ['lan', 'app1', 'app2']) {
    const flows = packets
      .filter(({ from }) => from === place)
      .map(one => ({
        protocol: 'udp' as const,
        to: one.destination,
        port: one.destinationPort,
        localPort: one.sourcePort,
      }));
    await world.agent(place).ask({ op: 'burst', flows });
  }
  const expected = new Map<string, number>();
  const denied = new Set<string>();
  const count = (vif: number, id: number) => expected.set(`${vif}/${id}`, (expected.get(`${vif}/${id}`) ?? 0) + 1);
  const list = (vif: number, id: number, packet: Datagram) =>
    denied.add([vif, id, packet.source, packet.destination, packet.destinationPort].join(' '));
  for (const packet of packets) {
    const sender = APPS.find(n => packet.from === `app${n}`);
    if (sender !== undefined) {
      const verdict = decide(acls[sender - 1]!, packet, true);
      count(sender, verdict.ace);
      if (!verdict.passes) {
        list(sender, verdict.ace, packet);
        continue;
      }
    }
    const receiver = APPS.find(n => packet.to === `app${n}`);
    if (receiver === undefined) continue;
    const verdict = decide(acls[receiver - 1]!, packet, false);
    count(receiver, verdict.ace);
    if (!verdict.passes) list(receiver, verdict.ace, packet);
  }
  const counted = async () => {
    const { aces } = await world.counters();
    const some = aces.filter(one => one.packets > 0);
    return new Map(some.map(({ vif, ace: id, packets: n }) => [`${vif}/${id}`, n] as const).sort());
  };
  const total = [...expected.values()].reduce((sum, n) => sum + n, 0);
  for (let tries = 0; tries < 50; tries++) {
    if ([...(await counted()).values()].reduce((sum, n) => sum + n, 0) >= total) break;
    await sleep(100); // the last are still under way
  }
  assert.deepEqual(await counted(), new Map([...expected].sort()));
  const listed = (await world.denied()).map(flow =>
    [flow.by.vif, flow.by.user ? flow.by.ace : 0, flow.source, flow.destination, flow.port].join(' '),
  );
  assert.deepEqual(listed.sort(), [...denied].sort());
}

test('the kernel judges every packet as the model does, for random ACLs of senders and receivers', async () => {
  await fc.assert(fc.asyncProperty(fc.tuple(randomAcl(20), randomAcl(10)), compare), {
    numRuns: Number(process.env.NUM_RUNS ?? 8),
    endOnFailure: true,
  });
});

test('1000 ACEs that shadow each other load in one transaction and are matched in their order', async () => {
  const narrow = randomAce.filter(given => given.ip !== '' && !given.ip.endsWith('/0') && given.protocol === 'udp');
  const acl = fc.sample(narrow, { seed: 7, numRuns: 1000 }).map((given, index) => ace(index + 1, given));
  const before = await world.load([[], []]);
  const { counts } = await world.load([acl, [ace(1)]]);
  assert.equal(counts.nftTransactions, before.counts.nftTransactions + 1);
  await compare([acl, [ace(1)]]);
});
