import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ace, AceAction, AceDirection } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { address6Of, addressOf, createSwitchWorld, LAN, type SwitchWorld } from './world.ts';

const [OUT_A, OUT_B, OUT6_A, OUT6_B] = ['203.0.113.10', '198.51.100.20', '2001:db8:a::10', '2001:db8:b::20'];
const [APP1, APP2, APP1_V6, APP2_V6] = [addressOf(1), addressOf(2), address6Of(1), address6Of(2)];
const SILENCE_MS = 300;

let world: SwitchWorld;
before(async () => {
  world = await createSwitchWorld(3, { agents: true });
});
after(() => world?.[Symbol.asyncDispose]());

interface Probe {
  from?: 'app1' | 'app2' | 'lan';
  how?: 'tcp' | 'udp' | 'ping';
  to: string;
  port?: number;
  passes: boolean;
  /** `VIF/ACE` of those that count a packet; ACE 0: none matched. */
  by: string[];
  /** `VIF/ACE destination:port` of what is listed as denied; `>`: on its way to the app. */
  denied?: string[];
}

async function probe({ from = 'app1', how = 'tcp', to, port = 80, passes, by, denied = [] }: Probe): Promise<void> {
  await world.forget();
  const what = `${from} ${how} ${to} ${port}`;
  const timeoutMs = passes ? 3000 : SILENCE_MS;
  const result =
    how === 'ping'
      ? await world.exec(from, 'ping', '-c1', `-W${passes ? 3 : SILENCE_MS / 1000}`, to).then(
          () => 'answered',
          () => 'silence',
        )
      : await world.agent(from).ask<string>({ op: how === 'tcp' ? 'connect' : 'askUdp', to, port, timeoutMs });
  assert.equal(result, passes ? 'answered' : 'silence', what);
  const { aces } = await world.counters();
  // The others see what is sent to everybody, such as reports of IPv6 groups.
  const involved = [1, 2, 3].filter(n => from === `app${n}` || [addressOf(n), address6Of(n)].includes(to));
  const counted = aces
    .filter(({ vif, packets }) => packets > 0 && involved.includes(vif))
    .map(({ vif, ace }) => `${vif}/${ace}`);
  assert.deepEqual(counted.sort(), by, `${what}: which ACEs counted`);
  if (denied.length === 0 && !passes) return;
  const listed = (await world.denied()).map(
    flow =>
      `${flow.inbound ? '>' : ''}${flow.by.vif}/${flow.by.user ? flow.by.ace : 0} ${flow.destination}:${flow.port}`,
  );
  assert.deepEqual(listed.sort(), denied, `${what}: what is listed as denied`);
}

const allow = ace(1);
const drop = (id: number, given: Partial<Ace> = {}) => ace(id, { action: AceAction.DROP, ...given });

const cases: [title: string, acls: Ace[][], probes: Probe[]][] = [
  [
    'an app without ACEs neither sends nor receives',
    [[], [allow]],
    [
      { to: OUT_A, passes: false, by: ['1/0'], denied: [`1/0 ${OUT_A}:80`] },
      { to: OUT6_A, how: 'udp', passes: false, by: ['1/0'], denied: [`1/0 ${OUT6_A}:80`] },
      { to: OUT_A, how: 'ping', passes: false, by: ['1/0'], denied: [`1/0 ${OUT_A}:0`] },
      { to: OUT6_A, how: 'ping', passes: false, by: ['1/0'], denied: [`1/0 ${OUT6_A}:0`] },
      { to: APP2, passes: false, by: ['1/0'] },
      { from: 'lan', to: APP1, passes: false, by: ['1/0'], denied: [`>1/0 ${APP1}:80`] },
      { from: 'lan', to: APP1_V6, how: 'udp', passes: false, by: ['1/0'], denied: [`>1/0 ${APP1_V6}:80`] },
      { from: 'app2', to: APP1, passes: false, by: ['1/0', '2/1'], denied: [`>1/0 ${APP1}:80`] },
    ],
  ],
  [
    'an ACE without matches allows everything, both ways and in both families',
    [[allow], [allow]],
    [
      { to: OUT_A, passes: true, by: ['1/1'] },
      { to: OUT6_A, how: 'udp', passes: true, by: ['1/1'] },
      { to: OUT_A, how: 'ping', passes: true, by: ['1/1'] },
      { to: OUT6_A, how: 'ping', passes: true, by: ['1/1'] },
      { from: 'lan', to: APP1, passes: true, by: ['1/1'] },
      { to: APP2, passes: true, by: ['1/1', '2/1'] },
      { to: APP2_V6, how: 'udp', passes: true, by: ['1/1', '2/1'] },
    ],
  ],
  [
    'ip is the other side, for packets of either direction',
    [[ace(1, { ip: '203.0.113.0/24' }), ace(2, { ip: OUT6_A })]],
    [
      { to: OUT_A, passes: true, by: ['1/1'] },
      { to: OUT6_A, how: 'udp', passes: true, by: ['1/2'] },
      { to: OUT_B, passes: false, by: ['1/0'], denied: [`1/0 ${OUT_B}:80`] },
      { to: OUT6_B, passes: false, by: ['1/0'], denied: [`1/0 ${OUT6_B}:80`] },
      { from: 'lan', to: APP1, passes: false, by: ['1/0'], denied: [`>1/0 ${APP1}:80`] },
    ],
  ],
  [
    '0.0.0.0/0 is IPv4 alone, ::/0 IPv6 alone',
    [[ace(1, { ip: '0.0.0.0/0' })], [ace(1, { ip: '::/0' })]],
    [
      { to: OUT_A, passes: true, by: ['1/1'] },
      { to: OUT6_A, passes: false, by: ['1/0'], denied: [`1/0 ${OUT6_A}:80`] },
      { from: 'app2', to: OUT6_A, passes: true, by: ['2/1'] },
      { from: 'app2', to: OUT_A, passes: false, by: ['2/0'], denied: [`2/0 ${OUT_A}:80`] },
    ],
  ],
  [
    'fport is the remote port of what the app opens, lport its own of what it serves',
    [[ace(1, { protocol: 'tcp', fport: '80-81' }), ace(2, { protocol: 'tcp', lport: '443' })]],
    [
      { to: OUT_A, port: 80, passes: true, by: ['1/1'] },
      { to: OUT_A, port: 81, passes: true, by: ['1/1'] },
      { to: OUT_A, port: 443, passes: false, by: ['1/0'], denied: [`1/0 ${OUT_A}:443`] },
      { to: OUT_A, port: 80, how: 'udp', passes: false, by: ['1/0'], denied: [`1/0 ${OUT_A}:80`] },
      { from: 'lan', to: APP1, port: 443, passes: true, by: ['1/2'] },
      { from: 'lan', to: APP1_V6, port: 443, passes: true, by: ['1/2'] },
      { from: 'lan', to: APP1, port: 80, passes: false, by: ['1/0'], denied: [`>1/0 ${APP1}:80`] },
    ],
  ],
  [
    'protocol is by name or number; icmp is IPv4 alone',
    [[ace(1, { protocol: 'udp' }), ace(2, { protocol: 'icmp' })], [ace(1, { protocol: '58' })]],
    [
      { to: OUT_A, how: 'udp', passes: true, by: ['1/1'] },
      { to: OUT_A, how: 'ping', passes: true, by: ['1/2'] },
      { to: OUT6_A, how: 'ping', passes: false, by: ['1/0'], denied: [`1/0 ${OUT6_A}:0`] },
      { to: OUT_A, passes: false, by: ['1/0'], denied: [`1/0 ${OUT_A}:80`] },
      { from: 'app2', to: OUT6_A, how: 'ping', passes: true, by: ['2/1'] },
      { from: 'app2', to: OUT_A, how: 'ping', passes: false, by: ['2/0'], denied: [`2/0 ${OUT_A}:0`] },
    ],
  ],
  [
    'the first ACE that matches decides',
    [[drop(1, { ip: OUT_A, protocol: 'tcp', fport: '81' }), ace(2, { ip: OUT_A }), drop(3), ace(4)]],
    [
      { to: OUT_A, port: 80, passes: true, by: ['1/2'] },
      { to: OUT_A, port: 81, passes: false, by: ['1/1'], denied: [`1/1 ${OUT_A}:81`] },
      { to: OUT_B, passes: false, by: ['1/3'], denied: [`1/3 ${OUT_B}:80`] },
      { to: OUT6_A, passes: false, by: ['1/3'], denied: [`1/3 ${OUT6_A}:80`] },
    ],
  ],
  [
    'DROP works on what reaches the app',
    [[drop(1, { ip: LAN, protocol: 'tcp', lport: '80' }), ace(2)]],
    [
      { from: 'lan', to: APP1, port: 80, passes: false, by: ['1/1'], denied: [`>1/1 ${APP1}:80`] },
      { from: 'lan', to: APP1, port: 81, passes: true, by: ['1/2'] },
      { to: LAN, port: 80, passes: true, by: ['1/2'] },
    ],
  ],
  [
    'direction is that of packets: answers need an ACE that speaks of theirs',
    [
      [ace(1, { direction: AceDirection.EGRESS, ip: OUT_A }), ace(2, { direction: AceDirection.INGRESS, ip: OUT_B })],
      [
        drop(1, { direction: AceDirection.INGRESS, protocol: 'tcp', lport: '80' }),
        ace(2, { direction: AceDirection.EGRESS }),
        ace(3, { direction: AceDirection.INGRESS }),
      ],
    ],
    [
      // The answer comes back and is refused.
      { to: OUT_A, how: 'udp', passes: false, by: ['1/0', '1/1'] },
      { to: OUT_B, how: 'udp', passes: false, by: ['1/0'], denied: [`1/0 ${OUT_B}:80`] },
      { from: 'lan', to: APP2, port: 80, passes: false, by: ['2/1'], denied: [`>2/1 ${APP2}:80`] },
      { from: 'lan', to: APP2, port: 81, passes: true, by: ['2/2', '2/3'] },
      { from: 'app2', to: OUT_A, passes: true, by: ['2/2', '2/3'] },
    ],
  ],
  [
    'between apps both must agree',
    [
      [ace(1, { ip: '192.168.3.0/24', protocol: 'tcp', fport: '80' })],
      [ace(1, { ip: APP1, protocol: 'tcp', lport: '80' })],
      [ace(1, { ip: APP2 })],
    ],
    [
      { to: APP2, port: 80, passes: true, by: ['1/1', '2/1'] },
      { to: APP2, port: 81, passes: false, by: ['1/0'], denied: [`1/0 ${APP2}:81`] },
      { to: addressOf(3), port: 80, passes: false, by: ['1/1', '3/0'], denied: [`>3/0 ${addressOf(3)}:80`] },
      { from: 'app2', to: APP1, passes: false, by: ['2/0'], denied: [`2/0 ${APP1}:80`] },
    ],
  ],
];

for (const [title, acls, probes] of cases) {
  test(title, async () => {
    await world.load([...acls, [], [], []].slice(0, 3));
    for (const one of probes) await probe(one);
  });
}

test('what passes between others on the network and the ports is not touched', async () => {
  await world.load([[], [], []]);
  await world.ip('ni', [`link add name eth3-dev type veth peer name dev0 netns ${world.netns('app3')}`]);
  try {
    await world.ip('app3', ['link set dev0 up', 'addr add 192.168.3.200/24 dev dev0', 'link set eth0 down']);
    await world.load([[], [], []]);
    await world.exec('app3', 'ping', '-c1', '-W3', '-I', 'dev0', LAN);
  } finally {
    await world.ip('ni', ['link del dev eth3-dev']);
    await world.ip('app3', ['link set eth0 up', `route replace default via ${LAN}`]);
  }
});
