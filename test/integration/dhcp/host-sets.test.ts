import assert from 'node:assert/strict';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hostSetName } from '../../../netns-manager/acl/host-set.ts';
import { Dnsmasq } from '../../../netns-manager/dhcp/dnsmasq.ts';
import { renderDnsmasq } from '../../../netns-manager/dhcp/render.ts';
import { Answers } from '../../../netns-manager/dns/answers.ts';
import { DnsWatch } from '../../../netns-manager/dns/dns-watch.ts';
import {
  addHostSetElements,
  listHostSetElements,
  removeHostSetElements,
} from '../../../netns-manager/dns/host-set-elements.ts';
import { HostSetKeeper } from '../../../netns-manager/dns/host-set-keeper.ts';
import { LogTail } from '../../../netns-manager/dns/log-tail.ts';
import { parseConntrackLine } from '../../../shared/kernel/conntrack.ts';
import { silentLog } from '../../../shared/log/log.ts';
import type { DnsRequest } from '../../../shared/proto/messages.ts';
import { ace, app } from '../../unit/netns-manager/dhcp/fixtures.ts';
import { NiWorld, UPSTREAM, until } from './ni-world.ts';

const HOUR = 3_600_000;
const TABLE = 'inet nibox';
const SETS = ['github.com', 'api.github.com'].map(domain => ({
  domain,
  v4: hostSetName(domain, 4),
  v6: hostSetName(domain, 6),
}));
const NAMES = SETS.flatMap(({ v4, v6 }) => [v4, v6]);
const [GITHUB = '', , API = ''] = NAMES;

let world: NiWorld;
let upstream: Dnsmasq;
let dnsmasq: Dnsmasq;

before(async () => {
  world = await NiWorld.create(1);
  const make = (member: string, name: string) =>
    new Dnsmasq({
      directory: join(world.directory, name),
      logFile: join(world.directory, 'log', member === 'ni' ? 'dnsmasq.log' : 'upstream.log'),
      log: silentLog,
      onExit: () => {},
      binary: world.wrapper(member, 'dnsmasq'),
    });
  upstream = make('up', 'upstream');
  dnsmasq = make('ni', 'run');
  const sets = SETS.map(({ v4, v6 }) => `set ${v4} { type ipv4_addr; }\nset ${v6} { type ipv6_addr; }\n`);
  await world.nft(['-f', '-'], `table inet nibox {\n${sets.join('')}}\n`);
  await world.ip('app1', 'addr add 10.10.1.2/24 dev eth0', 'route add default via 10.10.1.1');
  await upstreamSays(['1.2.3.4', '2001:db8::7']);
  await dnsmasq.apply(
    renderDnsmasq(world.input({ apps: [app({ acl: SETS.map(({ domain }) => ace({ host: domain })) })] })),
  );
});
after(async () => {
  await dnsmasq?.stop();
  await upstream?.stop();
  world?.close();
});

/** An upstream dnsmasq for github.com and everything below it. */
async function upstreamSays(addresses: string[]): Promise<void> {
  const directory = join(world.directory, 'upstream');
  await mkdir(directory, { recursive: true });
  const conf = [
    'user=root',
    'no-resolv',
    'no-hosts',
    `listen-address=${UPSTREAM}`,
    'bind-interfaces',
    'local-ttl=100000',
    `pid-file=${directory}/dnsmasq.pid`,
    ...addresses.map(address => `address=/github.com/${address}`),
  ];
  await upstream.apply({ conf: `${conf.join('\n')}\n`, files: new Map(), rejected: [] });
}

test('an address is in the set when an app was told it, and goes when DNS has not named it for long', async () => {
  const clock = { now: 1_700_000_000_000 };
  const requests: DnsRequest[] = [];
  const answers = new Answers(
    (name, address) => keeper.named(name, address),
    request => requests.push(request),
  );
  const tail = new LogTail({
    file: join(world.directory, 'log', 'dnsmasq.log'),
    maxBytes: () => 1_000_000,
    onLine: line => answers.read(line, clock.now),
    reopen: () => dnsmasq.reopenLog(),
    onError: assert.ifError,
  });
  const keeper = new HostSetKeeper({
    list: () => listHostSetElements(TABLE, NAMES, world.nft),
    remove: elements => removeHostSetElements(TABLE, elements, world.nft),
    add: elements => addHostSetElements(TABLE, elements, world.nft),
    liveDestinations: async () => new Set(),
    drainLog: () => tail.drain(),
    now: () => clock.now,
    holdMs: HOUR,
  });
  keeper.setHostSets(SETS);
  const told = async (what: string, name: string, count: number) => {
    const before = requests.length;
    const addresses = await world.resolve(1, name);
    await until(what, async () => {
      await tail.drain();
      answers.flush(clock.now + 1_000);
      return requests.length >= before + count;
    });
    return addresses;
  };
  await tail.start();
  try {
    assert.deepEqual(await told('first answer in the log', 'github.com', 1), ['1.2.3.4']);
    assert.deepEqual(await world.resolve(1, 'github.com', 'aaaa'), ['2001:db8::7']);
    assert.deepEqual(await listHostSetElements(TABLE, NAMES, world.nft), [
      { set: GITHUB, address: '1.2.3.4' },
      { set: hostSetName('github.com', 6), address: '2001:db8::7' },
    ]);
    assert.deepEqual(requests[0], {
      hostName: 'github.com',
      addresses: ['1.2.3.4'],
      time: clock.now,
      client: '10.10.1.2',
    });
    await told('subdomain', 'api.github.com', 1);
    const api = (await listHostSetElements(TABLE, NAMES, world.nft)).filter(({ address }) => address === '1.2.3.4');
    assert.deepEqual(api.map(({ set }) => set).sort(), [GITHUB, API].sort(), 'a subdomain counts for both ACEs');
    assert.deepEqual(await keeper.sweep(), []);

    // Named once more, by dnsmasq's cache this time: the set is as it was, so only the log tells.
    clock.now += HOUR - 1;
    await told('cached answer', 'github.com', 1);
    clock.now += 1;
    const due = await keeper.sweep();
    assert.deepEqual(due.map(({ set }) => set).sort(), [API, hostSetName('github.com', 6)].sort());

    // DNS says something else now.
    await upstreamSays(['1.2.3.5']);
    process.kill(dnsmasq.pid ?? 0, 'SIGHUP'); // empties the cache
    await until('new address', async () => (await world.resolve(1, 'github.com')).includes('1.2.3.5'));
    clock.now += HOUR;
    await told('answer with the new address', 'github.com', 1);
    assert.deepEqual(await keeper.sweep(), [{ set: GITHUB, address: '1.2.3.4' }]);
    assert.deepEqual(await listHostSetElements(TABLE, NAMES, world.nft), [{ set: GITHUB, address: '1.2.3.5' }]);
  } finally {
    await tail.close();
  }
});

test('the watch leaves static addresses and those with live flows alone', async () => {
  const clock = { now: 1_700_000_000_000 };
  const watch = new DnsWatch({
    logFile: join(world.directory, 'log', 'dnsmasq.log'),
    reopenLog: () => dnsmasq.reopenLog(),
    table: TABLE,
    isStatic: ({ address }) => address === '10.10.1.9',
    onRequest: () => {},
    log: silentLog,
    nftables: world.nft,
    connections: async () => {
      const words =
        'ipv4 2 tcp 6 src=10.10.1.2 dst=7.7.7.7 sport=1 dport=80 src=7.7.7.7 dst=10.10.1.2 sport=80 dport=1';
      const entry = parseConntrackLine(words);
      return entry ? [entry] : [];
    },
    now: () => clock.now,
    holdMs: HOUR,
  });
  watch.setHostSets(SETS);
  const elements = ['10.10.1.9', '7.7.7.7', '8.8.8.8'].map(address => ({ set: API, address }));
  await addHostSetElements(TABLE, elements, world.nft);
  await watch.start();
  try {
    await watch.sweep();
    clock.now += HOUR;
    await watch.sweep();
    const left = (await listHostSetElements(TABLE, [API], world.nft)).map(({ address }) => address);
    assert.deepEqual(left.sort(), ['10.10.1.9', '7.7.7.7']);
  } finally {
    await watch.close();
  }
});

test('the query log is kept short without losing a line', async () => {
  let queries = 0;
  const file = join(world.directory, 'log', 'dnsmasq.log');
  const tail = new LogTail({
    file,
    maxBytes: () => 2_000,
    onLine: line => {
      if (line.includes('query[A] n')) queries++;
    },
    reopen: () => dnsmasq.reopenLog(),
    onError: assert.ifError,
  });
  await tail.start();
  try {
    for (let index = 0; index < 60; index++) await world.resolve(1, `n${index}.github.com`);
    await until('all queries are read', async () => {
      await tail.drain();
      return queries === 60;
    });
    await until('the log is short', async () => (await stat(file).catch(() => ({ size: 9_999 }))).size < 5_000);
    assert.ok((await stat(`${file}.1`)).size > 0);
  } finally {
    await tail.close();
  }
});
