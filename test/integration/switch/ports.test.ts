import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import { silentLog } from '../../../shared/log/log.ts';
import { seal, unseal } from '../../../shared/state/seal.ts';
import { deviceEnd, portMac } from '../../../supervisor/switch-ports/names.ts';
import { SwitchPorts, type WantedPort } from '../../../supervisor/switch-ports/switch-ports.ts';

/**
 *     device: eth0, eth1  ----  network: far0, far1        switches: n1, n2 (with a bridge each, as their managers make it)
 */
const prefix = `t${randomBytes(3).toString('hex').slice(0, 5)}`;
const places = ['device', 'network', 'n1', 'n2'];
const netns = (place: string) => `${prefix}-${place}`;
const path = (place: string) => `/run/netns/${netns(place)}`;
const MAC = '02:00:5e:10:00:01';
let directory = '';

const exec = (place: string, ...command: string[]) => run('nsenter', [`--net=${path(place)}`, '--', ...command]);
const ip = (place: string, ...lines: string[]) =>
  run('ip', ['-n', netns(place), '-batch', '-'], { input: lines.map(line => `${line}\n`).join('') });

async function removeAll(): Promise<void> {
  for (const place of places) await run('ip', ['netns', 'del', netns(place)]).catch(() => {});
  if (directory) await rm(directory, { recursive: true, force: true });
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void removeAll().finally(() => process.exit(1)));
}
before(async () => {
  directory = await mkdtemp(join(tmpdir(), `${prefix}-`));
  for (const place of places) await run('ip', ['netns', 'add', netns(place)]);
  await ip('device', 'link set lo up');
  for (const n of ['n1', 'n2']) {
    await exec(n, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    await ip(n, 'link add name br type bridge stp_state 0 forward_delay 0', 'link set dev br up');
  }
});
after(removeAll);
afterEach(async () => {
  await open().giveBack();
  await run('ip', ['-n', netns('network'), 'link', 'del', 'dev', 'far0']).catch(() => {});
  await run('ip', ['-n', netns('device'), 'link', 'del', 'dev', 'eth0']).catch(() => {});
});

/** Another supervisor each time: nothing is known but what is on disk. */
const open = () =>
  new SwitchPorts({
    prefix,
    log: silentLog,
    directory: join(directory, 'ports'),
    namespacePath: path,
    device: { path: path('device'), enter: ['nsenter', `--net=${path('device')}`, '--'] },
  });

const wanted = (given: Partial<WantedPort> = {}): WantedPort => ({
  ni: 'n1',
  interface: 'eth0',
  isRoutedToo: false,
  isReady: true,
  ...given,
});
const stateOf = (ports: SwitchPorts, ni = 'n1') => ports.states(ni).map(({ state, isShared }) => ({ state, isShared }));

async function plugIn(): Promise<void> {
  await ip('network', `link add name far0 type veth peer name eth0 address ${MAC} netns ${netns('device')}`);
  await ip('network', 'link set dev far0 up', 'addr add 192.168.0.1/24 dev far0', 'addr add fd00::1/64 dev far0 nodad');
}

/** As a device has it: static and dynamic addresses, routes of all sorts, settings of its own. */
async function addressed(): Promise<void> {
  await plugIn();
  await exec('device', 'sysctl', '-qw', 'net.ipv4.conf.eth0.rp_filter=2', 'net.ipv4.conf.eth0.arp_notify=1');
  await ip(
    'device',
    'link set dev eth0 mtu 1400',
    'addr add 192.168.0.2/24 broadcast 192.168.0.255 dev eth0',
    'addr add 192.168.0.77/24 dev eth0 label eth0:x',
    'addr add 10.0.0.1 peer 10.0.0.2/32 dev eth0',
    'addr add fd00::2/64 dev eth0 nodad',
    'link set dev eth0 up',
  );
  await ip(
    'device',
    'route add default via 192.168.0.1 dev eth0 proto dhcp src 192.168.0.2 metric 100',
    'route add 203.0.113.0/24 via 192.168.0.9 mtu 1300 table 77',
    'route add 198.51.100.7 nexthop via 192.168.0.9 weight 3 nexthop via 192.168.0.10 weight 1',
    'route add 192.0.2.1 via 172.16.0.1 dev eth0 onlink',
  );
  await exec('device', 'ip', '-6', 'route', 'add', 'default', 'via', 'fd00::1', 'dev', 'eth0', 'metric', '512');
  await until('no address is in doubt', async () => /fe80/.test(await picture()) && !/tentative/.test(await picture()));
}

/** All that there is to see of the interface, but for what the kernel counts and numbers. */
async function picture(): Promise<string> {
  const parts = await Promise.all([
    exec('device', 'ip', '-br', 'link', 'show', 'dev', 'eth0'),
    exec('device', 'ip', '-o', 'addr', 'show', 'dev', 'eth0'),
    exec('device', 'ip', '-4', 'route', 'show', 'table', 'all'),
    exec('device', 'ip', '-6', 'route', 'show', 'table', 'all'),
    exec('device', 'sh', '-c', 'grep -sH . /proc/sys/net/ipv4/conf/eth0/* /proc/sys/net/ipv6/conf/eth0/*; true'),
    exec('device', 'sh', '-c', "ip -o link show dev eth0 | grep -o 'mtu [0-9]*'"),
  ]);
  return parts
    .join('\n')
    .replace(/^\d+: /gm, '')
    .replace(/@\S+/g, '')
    .replace(/ +/g, ' ');
}

/** What the switch's manager does. */
async function bridge(n: string): Promise<void> {
  const end = deviceEnd('eth0');
  await ip(n, 'link set dev eth0 master br', 'link set dev eth0 up');
  await ip(n, `link set dev ${end} master br`, `link set dev ${end} up`).catch(() => {});
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`still not so: ${what}`);
    await sleep(100);
  }
}
const reaches = (from: string, to: string) =>
  until(`${from} reaches ${to}`, () =>
    exec(from, 'ping', '-c1', '-W1', to).then(
      () => true,
      () => false,
    ),
  );
const macIn = async (place: string) =>
  (
    JSON.parse(await exec(place, 'ip', '-j', 'link', 'show', 'dev', 'eth0').catch(() => '[]')) as { address: string }[]
  )[0]?.address;

describe('an uplink without addresses', () => {
  test('moves as it is when the manager is ready, and comes back with its name, MAC and state', async () => {
    await plugIn();
    await ip('device', 'link set dev eth0 up', 'link set dev eth0 mtu 1400');
    const before = await picture();
    const ports = open();
    assert.equal(await ports.apply([wanted({ isReady: false })]), false);
    assert.deepEqual(stateOf(ports), [{ state: 'pending', isShared: false }]);
    assert.equal(await ports.apply([wanted()]), true);
    assert.deepEqual(stateOf(ports), [{ state: 'held', isShared: false }]);
    assert.deepEqual(ports.held(), [{ interface: 'eth0', ni: 'n1', netPath: path('n1'), isShared: false }]);
    assert.deepEqual([await macIn('device'), await macIn('n1')], [undefined, MAC]);
    assert.deepEqual(await ports.giveBack('n1'), []);
    await until('it is as it was', async () => (await picture()) === before);
    assert.deepEqual([ports.held(), ports.isHolding('n1'), await macIn('n1')], [[], false, undefined]);
  });

  test('is waited for while it is absent, and taken when it appears', async () => {
    const ports = open();
    assert.equal(await ports.apply([wanted()]), false);
    assert.deepEqual(stateOf(ports), [{ state: 'waiting', isShared: false }]);
    await plugIn();
    assert.equal(await ports.apply([wanted()]), true);
    assert.deepEqual(stateOf(ports), [{ state: 'held', isShared: false }]);
  });

  test('that is pulled out is waited for again', async () => {
    await plugIn();
    const ports = open();
    await ports.apply([wanted()]);
    await ip('n1', 'link del dev eth0');
    await ports.apply([wanted()]);
    assert.deepEqual(stateOf(ports), [{ state: 'waiting', isShared: false }]);
    await plugIn();
    await ports.apply([wanted()]);
    assert.equal(await macIn('n1'), MAC);
  });

  test('gets a stand-in when a routed network instance uses it, at once or later', async () => {
    await plugIn();
    const ports = open();
    await ports.apply([wanted()]);
    assert.equal(await macIn('device'), undefined);
    await ports.apply([wanted({ isRoutedToo: true })]);
    assert.deepEqual(stateOf(ports), [{ state: 'held', isShared: true }]);
    assert.deepEqual([await macIn('device'), await macIn('n1')], [MAC, portMac(MAC)]);
    // Its user going is no reason to cut what may run over it.
    assert.equal(await ports.apply([wanted()]), false);
    assert.deepEqual(await ports.giveBack(), []);
    assert.deepEqual([await macIn('device'), await macIn('n1')], [MAC, undefined]);
  });

  test('goes from one switch to another when the config says so', async () => {
    await plugIn();
    const ports = open();
    await ports.apply([wanted()]);
    await ports.apply([wanted({ ni: 'n2' })]);
    await ports.apply([wanted({ ni: 'n2' })]);
    assert.deepEqual([await macIn('n1'), await macIn('n2')], [undefined, MAC]);
    assert.deepEqual([ports.isHolding('n1'), stateOf(ports, 'n2')], [false, [{ state: 'held', isShared: false }]]);
    await ports.apply([]);
    assert.equal(await macIn('device'), MAC);
  });

  test('that can not be a port stays where it is, with the reason', async () => {
    await ip('device', 'link add name eth0 type bridge', 'link set dev eth0 up');
    const ports = open();
    assert.equal(await ports.apply([wanted()]), false);
    assert.match(ports.states('n1')[0]?.error ?? '', /eth0 is a bridge and can't be a port of another/);
    assert.equal(ports.isHolding('n1'), false);
    await ip('device', 'link del dev eth0', 'link add name eth0 type dummy').catch(() => {});
  });
});

describe('an uplink with addresses of the device', () => {
  test('leaves a stand-in that has and can all that it had, and comes back with it', async () => {
    await addressed();
    const before = await picture();
    const ports = open();
    assert.equal(await ports.apply([wanted()]), true);
    assert.deepEqual(stateOf(ports), [{ state: 'held', isShared: true }]);
    await bridge('n1');
    await reaches('device', '192.168.0.1');
    await reaches('device', 'fd00::1');
    await until('the stand-in is as the uplink was', async () => (await picture()) === before);
    assert.equal(await macIn('n1'), portMac(MAC), 'a bridge keeps frames for the MACs of its ports');
    assert.match(await exec('device', 'ip', 'link', 'show', 'dev', 'eth0'), /alias nibox .*: uplink of the switch n1/);
    assert.equal(await ports.apply([wanted()]), false);

    assert.deepEqual(await ports.giveBack(), []);
    await until('it is as it was', async () => (await picture()) === before);
    assert.equal(await macIn('n1'), undefined);
    await reaches('device', '192.168.0.1');
  });

  test('is left alone by a supervisor that starts after a crash', async () => {
    await addressed();
    await open().apply([wanted()]);
    await bridge('n1');
    const links = async () => (await exec('device', 'ip', '-o', 'link')) + (await exec('n1', 'ip', '-o', 'link'));
    const before = await links();
    const ports = open();
    assert.deepEqual(ports.held().length, 1);
    assert.equal(await ports.apply([wanted({ isReady: false })]), false);
    assert.equal(await links(), before);
    assert.deepEqual(stateOf(ports), [{ state: 'held', isShared: true }]);
  });

  test('comes back with what was changed on its stand-in meanwhile', async () => {
    await addressed();
    const ports = open();
    await ports.apply([wanted()]);
    await ip(
      'device',
      'addr add 192.168.0.3/24 dev eth0',
      'addr del 192.168.0.77/24 dev eth0',
      'route add 192.0.2.9 via 192.168.0.1',
    );
    assert.deepEqual(await ports.giveBack(), []);
    const now = await picture();
    assert.match(now, /192\.168\.0\.3\/24/);
    assert.doesNotMatch(now, /192\.168\.0\.77/);
    assert.match(now, /192\.0\.2\.9 via 192\.168\.0\.1/);
  });

  const record = () => join(directory, 'ports', 'eth0.json');
  const saved = async () => unseal('port', 1, await readFile(record()));
  const save = (text: string) => writeFile(record(), seal('port', 1, text));
  const rewrite = async (phase: string) => save((await saved()).replace(/"phase": "\w+"/, `"phase": "${phase}"`));
  for (const { what, crash } of [
    {
      what: 'before the move',
      crash: async () => {
        const text = await saved();
        await open().giveBack();
        await save(text);
        await rewrite('taking');
        // The first command of the move was executed.
        await ip('device', 'link set dev eth0 down', `link set dev eth0 address ${portMac(MAC)}`);
      },
    },
    {
      what: 'between the move and the stand-in',
      crash: async () => {
        await ip('device', 'link del dev eth0');
        await rewrite('taking');
      },
    },
    {
      what: 'with half of a stand-in',
      crash: async () => {
        await ip('device', 'link del dev eth0');
        await ip('n1', `link add name ${deviceEnd('eth0')} type veth peer name eth0 netns ${netns('device')}`);
        await rewrite('taking');
      },
    },
  ]) {
    test(`is taken completely after a crash ${what}`, async () => {
      await addressed();
      const before = await picture();
      await open().apply([wanted()]);
      await crash();
      const ports = open();
      assert.equal(await ports.apply([wanted()]), true);
      await bridge('n1');
      await until('the stand-in is as the uplink was', async () => (await picture()) === before);
      assert.deepEqual(await ports.giveBack(), []);
      await until('it is as it was', async () => (await picture()) === before);
    });
  }

  test('is found again by a supervisor that has lost its record, and goes back completely', async () => {
    await addressed();
    const before = await picture();
    await open().apply([wanted()]);
    for (const copy of [record(), `${record()}.bak`]) await writeFile(copy, 'garbage');
    const ports = open();
    assert.deepEqual(ports.held(), []);
    await ports.apply([wanted()]);
    assert.deepEqual(
      ports.held().map(({ interface: name, isShared }) => [name, isShared]),
      [['eth0', true]],
    );
    await bridge('n1');
    await until('the stand-in is as it was', async () => (await picture()) === before);
    assert.deepEqual(await ports.giveBack(), []);
    await until('it is as it was', async () => (await picture()) === before);
  });

  for (const { what, phase = 'returning', crash } of [
    { what: 'before the move', crash: async () => ip('device', 'link del dev eth0') },
    {
      what: 'with half of a stand-in',
      phase: 'taking',
      crash: async () => {
        await ip('device', 'link del dev eth0');
        await ip('n1', `link add name ${deviceEnd('eth0')} type veth peer name eth0 netns ${netns('device')}`);
      },
    },
    {
      what: 'after the move',
      crash: async () => {
        await ip('device', 'link del dev eth0');
        await ip('n1', `link set dev eth0 netns ${netns('device')}`);
      },
    },
  ]) {
    test(`comes back completely after a crash ${phase === 'taking' ? 'on the way in' : 'on the way back'} ${what}`, async () => {
      await addressed();
      const before = await picture();
      await open().apply([wanted()]);
      await crash();
      await rewrite(phase);
      await open().apply([]);
      await until('it is as it was', async () => (await picture()) === before);
    });
  }

  test('whose stand-in somebody deletes gets another one, as it was', async () => {
    await addressed();
    const before = await picture();
    const ports = open();
    await ports.apply([wanted()]);
    await ip('device', 'link del dev eth0');
    await ports.apply([wanted()]);
    await bridge('n1');
    await until('the stand-in is as the uplink was', async () => (await picture()) === before);
  });

  test('that is pulled out takes its stand-in with it, and has its addresses when it is back', async () => {
    await addressed();
    const ports = open();
    await ports.apply([wanted()]);
    await ip('network', 'link del dev far0');
    await ports.apply([wanted()]);
    assert.deepEqual(stateOf(ports), [{ state: 'waiting', isShared: true }]);
    assert.equal(await macIn('device'), undefined);
    await plugIn();
    await ports.apply([wanted()]);
    assert.match(await picture(), /192\.168\.0\.2\/24/);
  });

  test('is not lost when its name is taken: it goes back when that is over', async () => {
    await addressed();
    const before = await picture();
    const ports = open();
    await ports.apply([wanted()]);
    await ip('device', 'link del dev eth0', 'link add name eth0 type veth peer name eth0far');
    await ports.apply([wanted()]);
    assert.match(ports.states('n1')[0]?.error ?? '', /another interface on the device is called eth0 now/);
    const problems = await ports.giveBack('n1');
    assert.match(problems.join(), /uplink eth0 can't be given back by n1: another interface .* rename or remove it/);
    assert.equal(ports.isHolding('n1'), true);
    await ip('device', 'link del dev eth0');
    assert.deepEqual(await open().giveBack('n1'), []);
    await until('it is as it was', async () => (await picture()) === before);
  });

  test('comes back as far as it can when a route can not, and says which', async () => {
    await addressed();
    await ip(
      'device',
      'link add name other type veth peer name far',
      'addr add 172.20.0.1/24 dev other',
      'link set other up',
      'link set far up',
    );
    await ip('device', 'route add 192.0.2.50 nexthop via 192.168.0.1 nexthop via 172.20.0.2');
    const ports = open();
    await ports.apply([wanted()]);
    assert.ok((await saved()).includes('192.0.2.50'));
    await ip('device', 'link del dev eth0', 'link del dev other');
    const problems = await ports.giveBack();
    assert.equal(problems.length, 1, problems.join());
    assert.match(problems[0]!, /eth0: `ip route replace 192\.0\.2\.50 .*`/);
    assert.match(await picture(), /192\.168\.0\.2\/24[\s\S]*default via 192\.168\.0\.1/);
  });
});
