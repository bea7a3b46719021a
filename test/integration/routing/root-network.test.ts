import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import { silentLog } from '../../../shared/log/log.ts';
import {
  detectForwardDrop,
  type RootInstance,
  type RootIntent,
  RootNetwork,
} from '../../../supervisor/routing/root-network.ts';
import { World } from '../../world/index.ts';

const prefix = `t${Array.from({ length: 5 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join('')}`;
const numbers = [1, 2, 3];
let world: World | undefined;
let directory = '';

async function cleanUp(): Promise<void> {
  for (const number of numbers) await run('ip', ['netns', 'delete', `${prefix}-n${number}`]).catch(() => {});
  await world?.down();
  if (directory) await rm(directory, { recursive: true, force: true });
}
after(cleanUp);
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => void cleanUp().finally(() => process.exit(1)));
}

const inside = (member: string, ...command: string[]) =>
  run('nsenter', [`--net=/run/netns/${prefix}-${member}`, ...command], { timeoutMs: 20_000 });
const device = (...command: string[]) => inside('device', ...command);
const curl = (member: string, url: string, ...more: string[]) =>
  inside(member, 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', '3', ...more, url);
const fails = (promise: Promise<unknown>, message: string) =>
  promise.then(
    () => assert.fail(message),
    () => {},
  );

const instance = (number: number, uplink: string, subnets: string[]): RootInstance => ({
  number,
  device: `${prefix}${number}`,
  peerAddress: `169.254.64.${number * 4 - 3}/30`,
  innerAddress: `169.254.64.${number * 4 - 2}`,
  netnsPath: `/run/netns/${prefix}-n${number}`,
  mtu: 1500,
  uplink,
  subnets,
  portmaps: [],
});

const intent: RootIntent = {
  prefix,
  transitPool: '169.254.64.0/18',
  forwardBetweenUplinks: false,
  uplinks: [
    { interface: 'eth0', addresses: ['192.168.0.2/24'] },
    { interface: 'eth1', addresses: ['192.168.1.2/24'], gateway: '192.168.1.1' },
  ],
  instances: [
    // Both have the same subnet, which is also that of eth0.
    { ...instance(1, 'eth0', ['192.168.0.0/24']), portmaps: [{ uplink: 'eth0', protocol: 'tcp', port: 8080 }] },
    instance(2, 'eth0', ['192.168.0.0/24', '192.168.0.128/25']),
    { ...instance(3, 'eth1', ['10.10.1.0/24']), portmaps: [{ uplink: 'eth1', protocol: 'tcp', port: 8080 }] },
  ],
};

/** The inner ends, which the manager sets otherwise, with a web server in each. */
async function configureInside(): Promise<void> {
  for (const { number, innerAddress, peerAddress } of intent.instances) {
    const batch = [
      'link set dev lo up',
      `address add ${innerAddress}/30 dev uplink`,
      'link set dev uplink up',
      `route add default via ${peerAddress.split('/')[0]}`,
      'address add 10.10.1.2/32 dev lo',
    ].join('\n');
    await run('nsenter', [`--net=/run/netns/${prefix}-n${number}`, 'ip', '-batch', '-'], { input: `${batch}\n` });
    const server = world!.spawn(`n${number}`, 'socat', [
      'TCP-LISTEN:8080,fork,reuseaddr',
      `SYSTEM:timeout 0.2 cat >/dev/null; cat ${join(directory, 'answer')}`,
    ]);
    servers.push(server);
  }
  await sleep(300);
}
const servers: ReturnType<World['spawn']>[] = [];
after(() => {
  for (const server of servers) server.kill('SIGKILL');
});

describe('the root network in the demo world', () => {
  let root: RootNetwork;
  let sysctlsBefore = '';
  const sysctls = () =>
    device(
      'sh',
      '-c',
      'cd /proc/sys/net/ipv4; grep . ip_forward conf/*/rp_filter conf/*/accept_local conf/*/send_redirects',
    );
  const rules = async () =>
    (await device('ip', '-4', 'rule'))
      .split('\n')
      .map(line => line.replace(/\s+/g, ' ').trim())
      .filter(Boolean);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), `${prefix}-`));
    await writeFile(join(directory, 'answer'), 'HTTP/1.0 200 OK\r\n\r\nhere\n');
    world = await World.up({ prefix });
    for (const number of numbers) await run('ip', ['netns', 'add', `${prefix}-n${number}`]);
    sysctlsBefore = await sysctls();
    root = open();
  });
  const open = (stateFile = 'root.json') =>
    new RootNetwork({
      prefix,
      log: silentLog,
      stateFile: join(directory, stateFile),
      enter: ['nsenter', `--net=/run/netns/${prefix}-device`],
    });

  test('apply writes once, and a second one writes nothing, also after a restart', async () => {
    assert.ok((await root.plan(intent)).length > 10);
    assert.deepEqual(await device('nft', 'list', 'tables'), '', 'a plan changes nothing');
    assert.deepEqual(await root.apply(intent), { ipBatches: 1, nftTransactions: 1, errors: [] });
    await configureInside();
    for (const one of [root, open()]) {
      assert.deepEqual(await one.plan(intent), []);
      assert.deepEqual(await one.apply(intent), { ipBatches: 0, nftTransactions: 0, errors: [] });
    }
  });

  test('a lost state file costs one load of the rules, and routing tables stay what they are', async () => {
    const rulesBefore = await rules();
    for (const name of ['lost.json', 'lost.json.bak']) await writeFile(join(directory, name), 'garbage');
    const successor = open('lost.json');
    assert.deepEqual(await successor.apply(intent), { ipBatches: 0, nftTransactions: 1, errors: [] });
    assert.deepEqual(await rules(), rulesBefore);
  });

  test('an instance gets out masqueraded by its own uplink', async () => {
    const capture = world!.spawn('gw', 'tcpdump', ['-n', '-l', '-c', '2', '-i', 'any', 'icmp[icmptype] == icmp-echo']);
    let seen = '';
    capture.stdout?.on('data', chunk => (seen += chunk));
    servers.push(capture);
    await sleep(1000);
    await inside('n1', 'ping', '-c', '1', '-W', '3', '198.51.100.10');
    await inside('n3', 'ping', '-c', '1', '-W', '3', '198.51.100.10');
    for (let tries = 0; tries < 50 && seen.split('\n').length < 3; tries++) await sleep(100);
    assert.match(seen, /dev0 .*192\.168\.0\.2 > 198\.51\.100\.10/);
    assert.match(seen, /dev1 .*192\.168\.1\.2 > 198\.51\.100\.10/);
  });

  test('the service of the device, its transit address and other instances are out of reach', async () => {
    // The service answers on the device itself, so what is tested is the filter.
    await device('sh', '-c', 'socat -u OPEN:/dev/null TCP:192.168.0.2:2222,connect-timeout=3');
    for (const member of ['n1', 'n3']) {
      await fails(
        inside(member, 'sh', '-c', 'socat -u OPEN:/dev/null TCP:192.168.0.2:2222,connect-timeout=1'),
        `${member} reaches the device's service`,
      );
    }
    await fails(inside('n1', 'ping', '-c', '1', '-W', '1', '169.254.64.1'), 'n1 reaches the device');
    await fails(inside('n1', 'ping', '-c', '1', '-W', '1', '169.254.64.6'), 'n1 reaches n2');
    await fails(curl('n1', 'http://169.254.64.10:8080/'), 'n1 reaches n3 without a port map');
  });

  test('what an instance sends to the device by the gateway reaches no service of the device either', async () => {
    const service = world!.spawn('device', 'socat', ['-u', 'UDP-RECV:2223', 'STDOUT']);
    servers.push(service);
    let heard = '';
    service.stdout?.on('data', chunk => {
      heard += chunk;
    });
    await sleep(500);
    for (const member of ['n3', 'gw']) {
      await inside(member, 'sh', '-c', `echo ${member} | socat -u STDIN UDP:192.168.0.2:2223`);
      await sleep(300);
    }
    for (let tries = 0; tries < 50 && !heard.includes('gw'); tries++) await sleep(100);
    assert.equal(heard, 'gw\n');
  });

  test('nothing is forwarded between uplinks unless it is wanted', async () => {
    await inside('gw', 'ip', 'route', 'add', '192.168.1.77', 'via', '192.168.0.2');
    // What is forwarded makes the device look for its neighbour.
    const looksFor = async () => {
      await inside('gw', 'ping', '-c', '1', '-W', '1', '192.168.1.77').catch(() => {});
      return (await device('ip', 'neighbour', 'show', 'dev', 'eth1')).includes('192.168.1.77');
    };
    assert.equal(await looksFor(), false);
    const applied = await root.apply({ ...intent, forwardBetweenUplinks: true });
    assert.deepEqual(applied, { ipBatches: 0, nftTransactions: 1, errors: [] });
    assert.equal(await looksFor(), true);
    await root.apply(intent);
  });

  test('a port map works from outside, from another instance, from itself, and between uplinks by the gateway', async () => {
    assert.equal(await curl('gw', 'http://192.168.0.2:8080/'), '200');
    assert.equal(await curl('n2', 'http://192.168.0.2:8080/'), '200');
    assert.equal(await curl('n1', 'http://192.168.0.2:8080/'), '200');
    assert.equal(await curl('n1', 'http://192.168.1.2:8080/'), '200');
  });

  test("what comes to IKE's ports from outside or from another instance reaches the VPN that is called, its sources kept", async () => {
    const ikePorts = [500, 4500].map(port => ({ uplink: 'eth1', protocol: 'udp' as const, port }));
    const [one, two, three] = intent.instances as [RootInstance, RootInstance, RootInstance];
    const called = { ...intent, instances: [one, two, { ...three, portmaps: [...three.portmaps, ...ikePorts] }] };
    assert.deepEqual(await root.apply(called), { ipBatches: 0, nftTransactions: 1, errors: [] });
    for (const { port } of ikePorts) {
      const peer = world!.spawn('n3', 'socat', [
        `UDP-RECVFROM:${port},fork`,
        'SYSTEM:read text; echo got-$text-by-$SOCAT_PEERADDR',
      ]);
      servers.push(peer);
    }
    await sleep(500);
    const ask = (member: string, port: number) =>
      inside(member, 'sh', '-c', `echo ${member} | socat -t 2 - UDP:192.168.1.2:${port}`);
    for (const { port } of ikePorts) {
      assert.equal(
        (await ask('gw', port)).trim(),
        'got-gw-by-192.168.1.1',
        'the caller is seen by its own address, and answered',
      );
      assert.match(await ask('n2', port), /^got-n2-by-/);
    }
    const applied = await root.apply(intent);
    assert.deepEqual(applied, { ipBatches: 0, nftTransactions: 1, errors: [] });
    assert.equal(await ask('gw', 500).catch(() => ''), '', 'nobody is called any more');
  });

  test('the gateway reaches no instance without a port map', async () => {
    await inside('gw', 'ip', 'route', 'add', '169.254.64.0/18', 'via', '192.168.0.2');
    await fails(curl('gw', 'http://169.254.64.2:8080/'), 'gw reaches n1');
  });

  test('the device reaches the subnet of an instance by its link', async () => {
    assert.equal(await curl('device', 'http://10.10.1.2:8080/', '--interface', `${prefix}3`), '200');
  });

  test('an address that is not its own gets nothing out of an instance', async () => {
    await inside('n1', 'ip', 'address', 'add', '169.254.64.77/32', 'dev', 'uplink');
    const source = ['-I', '169.254.64.77'];
    await device('ip', 'route', 'add', '169.254.64.77/32', 'dev', `${prefix}1`);
    await fails(inside('n1', 'ping', ...source, '-c', '1', '-W', '1', '198.51.100.10'), 'spoofed');
    await device('ip', 'route', 'delete', '169.254.64.77/32', 'dev', `${prefix}1`);
  });

  test('what others change is noticed and put right', async () => {
    let changes = 0;
    const end = root.watch(() => changes++);
    await sleep(500);
    await device('nft', 'add', 'rule', 'inet', `nibox_${prefix}`, 'to_instance', 'accept');
    for (let tries = 0; tries < 50 && changes === 0; tries++) await sleep(100);
    end();
    assert.ok(changes > 0);
    assert.deepEqual(await root.apply(intent), { ipBatches: 0, nftTransactions: 1, errors: [] });
    await device('ip', 'link', 'set', 'eth1', 'down');
    await fails(inside('n3', 'ping', '-c', '1', '-W', '1', '198.51.100.10'), 'n3 falls through to eth0');
    const lookup = device('ip', 'route', 'get', '198.51.100.10', 'from', '169.254.64.10', 'iif', `${prefix}3`);
    await fails(lookup, 'there is a route by another uplink');
    await device('ip', 'link', 'set', 'eth1', 'up');
    assert.deepEqual(await root.apply(intent), { ipBatches: 1, nftTransactions: 0, errors: [] });
    await inside('n3', 'ping', '-c', '1', '-W', '3', '198.51.100.10');
  });

  test('an instance moves to another uplink and gateway without an error', async () => {
    const [one, two, three] = intent.instances as [RootInstance, RootInstance, RootInstance];
    const [eth0, eth1] = intent.uplinks as [RootIntent['uplinks'][0], RootIntent['uplinks'][0]];
    const moved = {
      ...intent,
      uplinks: [{ ...eth0, gateway: '192.168.0.9' }, eth1],
      instances: [{ ...one, uplink: 'eth1', mtu: 1400 }, three],
    };
    assert.deepEqual(await root.apply(moved), { ipBatches: 1, nftTransactions: 1, errors: [] });
    assert.deepEqual(await root.plan(moved), []);
    await inside('n1', 'ping', '-c', '1', '-W', '3', '198.51.100.10');
    assert.equal((await device('ip', 'link')).includes(`${two.device}@`), false);
  });

  test('a forward chain of another firewall that drops is told', async () => {
    const execute: typeof run = (file, args, options) =>
      run('nsenter', [`--net=/run/netns/${prefix}-device`, file, ...args], options);
    assert.equal(await detectForwardDrop(execute), null);
    await device(
      'nft',
      'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }',
    );
    assert.match(String(await detectForwardDrop(execute)), /ip filter FORWARD.*iptables -I FORWARD/);
    await device('nft', 'delete table ip filter');
  });

  test('remove leaves the namespace as it was', async () => {
    assert.deepEqual(await open().remove(), []);
    assert.deepEqual(await rules(), [
      '0: from all lookup local',
      '32766: from all lookup main',
      '32767: from all lookup default',
    ]);
    assert.equal(await device('nft', 'list', 'tables'), '');
    assert.equal((await device('ip', 'link')).includes(`${prefix}1`), false);
    assert.equal(/table [0-9]+/.test(await device('ip', 'route', 'show', 'table', 'all')), false);
    assert.equal(await sysctls(), sysctlsBefore);
    assert.deepEqual(await open().remove(), []);
  });
});
