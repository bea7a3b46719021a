import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ace, AceAction, AceDirection } from '../../../shared/proto/messages.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import { type Acls, Firewall, inputOf } from './firewall.ts';
import { createWorld, DEVICE, DEVICE6, INNER, INNER6, type World } from './world.ts';

const [OUT_A, OUT_B, OUT6_A, OUT6_B] = ['203.0.113.10', '198.51.100.20', '2001:db8:a::10', '2001:db8:b::20'];
const [APP2, APP2_V6] = ['10.9.0.3', 'fd09::3'];
const SILENCE_MS = 300;

let world: World;
let firewall: Firewall;
before(async () => {
  world = await createWorld(3);
  firewall = new Firewall(world);
});
after(() => world?.[Symbol.asyncDispose]());

interface Probe {
  from?: 'app1' | 'app2' | 'device';
  how?: 'tcp' | 'udp' | 'ping';
  to: string;
  port?: number;
  passes: boolean;
  /** `VIF/ACE` that decides; ACE 0: none matched. */
  by: string;
}

async function probe({ from = 'app1', how = 'tcp', to, port = 80, passes, by }: Probe): Promise<void> {
  await firewall.forget();
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
  const [vif, ace] = by.split('/').map(Number);
  assert.deepEqual(await firewall.counts(), vif === 0 ? {} : { [by]: 1 }, `${what}: which ACE counted`);

  const listed = (await firewall.denied()).map(flow => [
    flow.by.vif,
    flow.by.user ? flow.by.ace : 0,
    flow.destination,
    flow.port,
  ]);
  const denied = [[vif, ace, to, how === 'ping' ? 0 : port]];
  assert.deepEqual(listed, passes ? [] : denied, `${what}: what is listed as denied`);
  // Denied flows leave nothing behind.
  if (!passes) assert.equal(await world.exec('ni', 'conntrack', '-L', '-d', to), '', what);
}

const allow = ace(1);
const drop = (id: number, given: Partial<Ace> = {}) => ace(id, { action: AceAction.DROP, ...given });

const cases: [title: string, acls: Acls, probes: Probe[]][] = [
  [
    'an app without ACEs neither sends nor receives',
    [[], [allow]],
    [
      { to: OUT_A, passes: false, by: '1/0' },
      { to: OUT6_A, passes: false, by: '1/0' },
      { to: OUT_A, how: 'ping', passes: false, by: '1/0' },
      { to: APP2, passes: false, by: '1/0' },
      { from: 'app2', to: '10.9.0.2', passes: false, by: '1/0' },
      { from: 'app2', to: 'fd09::2', how: 'udp', passes: false, by: '1/0' },
    ],
  ],
  [
    'an ACE without matches allows everything, in both families',
    [[allow], [allow]],
    [
      { to: OUT_A, passes: true, by: '1/1' },
      { to: OUT6_A, how: 'udp', passes: true, by: '1/1' },
      { to: OUT_A, how: 'ping', passes: true, by: '1/1' },
      { to: OUT6_A, how: 'ping', passes: true, by: '1/1' },
      { to: APP2, passes: true, by: '1/1' },
      { to: APP2_V6, how: 'ping', passes: true, by: '1/1' },
    ],
  ],
  [
    'ip matches the destination of what the app opens',
    [[ace(1, { ip: '203.0.113.0/24' }), ace(2, { ip: '2001:db8:b::20' })]],
    [
      { to: OUT_A, passes: true, by: '1/1' },
      { to: OUT_B, passes: false, by: '1/0' },
      { to: OUT6_B, passes: true, by: '1/2' },
      { to: OUT6_A, passes: false, by: '1/0' },
    ],
  ],
  [
    '0.0.0.0/0 is IPv4 only and ::/0 IPv6 only',
    [[ace(1, { ip: '0.0.0.0/0' })], [ace(1, { ip: '::/0' })]],
    [
      { to: OUT_A, passes: true, by: '1/1' },
      { to: OUT6_A, passes: false, by: '1/0' },
      { from: 'app2', to: OUT6_A, passes: true, by: '2/1' },
      { from: 'app2', to: OUT_A, passes: false, by: '2/0' },
    ],
  ],
  [
    'host matches the addresses in the sets of the domain, in both families',
    [[ace(1, { host: 'host.example' })]],
    [
      { to: OUT_B, passes: true, by: '1/1' },
      { to: OUT6_B, passes: true, by: '1/1' },
      { to: OUT_A, passes: false, by: '1/0' },
    ],
  ],
  [
    'eidset matches the apps of the NI and the static DNS entries',
    [[ace(1, { eidset: true })], [allow]],
    [
      { to: APP2, passes: true, by: '1/1' },
      { to: APP2_V6, passes: true, by: '1/1' },
      { to: OUT_A, passes: true, by: '1/1' },
      { to: OUT6_A, passes: true, by: '1/1' },
      { to: OUT_B, passes: false, by: '1/0' },
    ],
  ],
  [
    'protocol and fport restrict what the app opens',
    [
      [
        ace(1, { protocol: 'tcp', fport: '80-81' }),
        ace(2, { protocol: 'udp', fport: '443' }),
        ace(3, { protocol: 'icmp' }),
      ],
    ],
    [
      { to: OUT_A, port: 81, passes: true, by: '1/1' },
      { to: OUT_A, port: 443, passes: false, by: '1/0' },
      { to: OUT6_A, how: 'udp', port: 443, passes: true, by: '1/2' },
      { to: OUT6_A, how: 'udp', port: 81, passes: false, by: '1/0' },
      { to: OUT_A, how: 'ping', passes: true, by: '1/3' },
      { to: OUT6_A, how: 'ping', passes: false, by: '1/0' },
    ],
  ],
  [
    'between apps lport and protocol of the receiver count, its fport does not',
    [[allow], [ace(1, { eidset: true, protocol: 'tcp', lport: '80', fport: '5' })]],
    [
      { to: APP2, port: 80, passes: true, by: '1/1' },
      { to: APP2, port: 81, passes: false, by: '2/0' },
      { to: APP2, port: 80, how: 'udp', passes: false, by: '2/0' },
      { to: APP2_V6, port: 80, passes: true, by: '1/1' },
      { from: 'app2', to: '10.9.0.2', port: 80, passes: false, by: '2/0' },
    ],
  ],
  [
    'ip of the receiver is the source',
    [[allow], [ace(1, { ip: '10.9.0.2' })], [allow]],
    [
      { to: APP2, passes: true, by: '1/1' },
      { to: APP2_V6, passes: false, by: '2/0' },
      { from: 'app2', to: '10.9.0.4', passes: false, by: '2/0' },
    ],
  ],
  [
    'a DROP counts in both senses and order decides',
    [
      [
        drop(1, { ip: '203.0.113.0/24', protocol: 'tcp' }),
        ace(2, { ip: '203.0.113.10' }),
        drop(3, { eidset: true }),
        ace(4),
      ],
      [drop(7, { ip: '10.9.0.2', protocol: 'udp' }), ace(8)],
    ],
    [
      { to: OUT_A, passes: false, by: '1/1' },
      { to: OUT_A, how: 'udp', passes: true, by: '1/2' },
      { to: OUT_B, passes: true, by: '1/4' },
      { to: APP2, passes: false, by: '1/3' },
      { from: 'app2', to: '10.9.0.2', how: 'udp', passes: false, by: '2/7' },
      { from: 'app2', to: '10.9.0.2', passes: false, by: '1/3' },
    ],
  ],
  [
    'the receiver may drop what the sender may send',
    [[allow], [drop(7, { ip: '10.9.0.2', protocol: 'udp' }), ace(8)]],
    [
      { to: APP2, how: 'udp', passes: false, by: '2/7' },
      { to: APP2, passes: true, by: '1/1' },
    ],
  ],
  [
    'EGRESS is from the app, INGRESS towards it',
    [[ace(1, { direction: AceDirection.EGRESS })], [ace(1, { direction: AceDirection.INGRESS })]],
    [
      { to: APP2, passes: true, by: '1/1' },
      { to: OUT_A, passes: true, by: '1/1' },
      { from: 'app2', to: '10.9.0.2', passes: false, by: '2/0' },
      { from: 'app2', to: OUT_A, passes: false, by: '2/0' },
    ],
  ],
  [
    'a port map lets in what is mapped, and nothing else in or out',
    [
      [
        ace(1, { action: AceAction.PORTMAP, protocol: 'tcp', lport: '8080', appPort: 80 }),
        ace(2, { action: AceAction.PORTMAP, protocol: 'udp', lport: '8000-8010', appPort: 443 }),
      ],
      [allow],
    ],
    [
      { from: 'device', to: INNER, port: 8080, passes: true, by: '1/1' },
      { from: 'device', to: INNER6, port: 8080, passes: true, by: '1/1' },
      { from: 'device', to: INNER, port: 8005, how: 'udp', passes: true, by: '1/2' },
      { from: 'device', to: INNER, port: 80, passes: false, by: '0/0' },
      { from: 'device', to: INNER, port: 8080, how: 'udp', passes: false, by: '0/0' },
      { from: 'app2', to: '10.9.0.2', port: 80, passes: false, by: '1/0' },
      { to: OUT_A, port: 8080, passes: false, by: '1/0' },
    ],
  ],
  [
    'a port map to the same port opens nothing to the other apps',
    [[ace(1, { action: AceAction.PORTMAP, protocol: 'tcp', lport: '80', appPort: 80 })], [allow]],
    [
      { from: 'device', to: INNER, port: 80, passes: true, by: '1/1' },
      { from: 'app2', to: '10.9.0.2', port: 80, passes: false, by: '1/0' },
    ],
  ],
  [
    'what the device itself opens to an app needs no ACE',
    [[]],
    [{ from: 'device', to: '10.9.0.2', passes: true, by: '0/0' }],
  ],
];

for (const [title, acls, probes] of cases) {
  test(title, async () => {
    await firewall.load(inputOf([...acls, [], []].slice(0, 3)));
    for (const one of probes) await probe(one);
  });
}

test("an ip restriction and an earlier DROP hold for a port map, whose address and port are the app's", async () => {
  const portmap = { action: AceAction.PORTMAP, protocol: 'tcp', lport: '8080', appPort: 80 };
  const outcomes: [Ace[], Probe][] = [
    [[ace(1, { ...portmap, ip: `${DEVICE}/32` })], { to: INNER, passes: true, by: '1/1' }],
    [[ace(1, { ...portmap, ip: '192.0.2.0/24' })], { to: INNER, passes: false, by: '1/0' }],
    [[drop(1, { ip: DEVICE, protocol: 'tcp', lport: '80' }), ace(2, portmap)], { to: INNER, passes: false, by: '1/1' }],
    [
      [drop(1, { ip: DEVICE, protocol: 'tcp', lport: '8080' }), ace(2, portmap)],
      { to: INNER, passes: true, by: '1/2' },
    ],
    [[drop(1, { ip: DEVICE6 }), ace(2, portmap)], { to: INNER6, passes: false, by: '1/1' }],
  ];
  for (const [acl, { to, passes, by }] of outcomes) {
    await firewall.load(inputOf([acl, [], []]));
    await firewall.forget();
    const result = await world
      .agent('device')
      .ask<string>({ op: 'connect', to, port: 8080, timeoutMs: passes ? 3000 : SILENCE_MS });
    assert.equal(result, passes ? 'answered' : 'silence', JSON.stringify(acl));
    assert.deepEqual(await firewall.counts(), { [by]: 1 });
  }
});

test('lport is the source port of what the app opens', async () => {
  await firewall.load(inputOf([[ace(1, { protocol: 'tcp', lport: '4000-4001' })], [], []]));
  const connect = (localPort: number, timeoutMs: number) =>
    world.agent('app1').ask<string>({ op: 'connect', to: OUT_A, port: 80, localPort, timeoutMs });
  assert.equal(await connect(4001, 3000), 'answered');
  assert.equal(await connect(4002, SILENCE_MS), 'silence');
});

test('flows between apps that take the way over the gateway are judged by both ACLs too', async () => {
  await world.ip('app1', ['route replace 10.9.0.3/32 via 10.9.0.1', 'route replace fd09::3/128 via fd09::1']);
  try {
    await firewall.load(inputOf([[allow], [ace(1, { protocol: 'tcp', lport: '80' })], []]));
    await probe({ to: APP2, port: 80, passes: true, by: '1/1' });
    await probe({ to: APP2, port: 81, passes: false, by: '2/0' });
    await probe({ to: APP2_V6, port: 80, passes: true, by: '1/1' });
    await probe({ to: APP2_V6, port: 81, passes: false, by: '2/0' });
  } finally {
    await world.ip('app1', ['route del 10.9.0.3/32 via 10.9.0.1', 'route del fd09::3/128 via fd09::1']);
  }
});

test('system services work without ACEs, and nothing else of the namespace answers', async () => {
  await firewall.load(inputOf([[allow], [], []]));
  await firewall.forget();
  for (const address of ['10.9.0.1', 'fd09::1']) {
    await world.exec('app2', 'ping', '-c1', '-W3', address);
  }
  // No server listens: an answer of any kind (reset, ICMP error) shows that the packet was let in.
  const ask = (from: string, to: string, port: number, timeoutMs = SILENCE_MS) =>
    world.agent(from).ask<string>({ op: 'connect', to, port, timeoutMs });
  assert.equal(await ask('app2', '10.9.0.1', 53, 3000), 'ECONNREFUSED');
  assert.equal(await ask('app2', 'fd09::1', 53, 3000), 'ECONNREFUSED');
  assert.equal(await ask('app2', '169.254.169.254', 80, 3000), 'ECONNREFUSED');
  for (const to of ['10.9.0.1', 'fd09::1', '169.254.169.254', INNER, INNER6]) {
    assert.equal(await ask('app1', to, 22), 'silence', `${to} port 22, with an ACL that allows everything`);
  }
  const denied = (await firewall.denied()).filter(flow => flow.by.vif === 1 && flow.port === 22);
  assert.equal(denied.length, 5, 'each is listed as denied to app1');
  assert.equal(await ask('app1', DEVICE, 80), 'silence', "the device's end of the uplink");
  assert.equal(await ask('device', INNER, 22), 'silence');
});
