import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkStopped, noteTraces, runChecks } from '../../conformance/index.ts';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const GATEWAY = '192.168.3.1';
const PORT = 5301;
const PACKETS = 10_000;
/** Of data, well over what the tests before have sent. */
const PACKET_BYTES = 64;

let device: Device;
const run = async (place: string, file: string, ...args: string[]) =>
  (await device.world.exec(place, file, args)).stdout;
const succeeds = async (place: string, file: string, ...args: string[]) =>
  (await device.world.exec(place, file, args)).exitCode === 0;
const app6 = async () => {
  const { apps } = (await device.status()) as unknown as { apps: { name: string; interfaces: AppInterface[] }[] };
  return apps.find(({ name }) => name === 'app6')!.interfaces[0]!;
};
interface AppInterface {
  vif: string;
  mac: string;
  leased: string[];
  sources: string[];
  state: string;
}

async function apply(text: string): Promise<void> {
  const file = join(device.world.runDirectory, 'changed.yaml');
  await writeFile(file, text);
  const { code, output } = await device.run('apply', file);
  assert.equal(code, 0, output);
}

describe('a switch on an uplink of its own', () => {
  const LIMITED = '{ id: 1, ip: 192.168.0.0/16, limit: { rate: 5, per: second, burst: 15 } }';
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  it('passes its checks, and says in its status what it has', async () => {
    const results = await runChecks({ world: device.world, nibox: device.nibox, ids: ['C22', 'C23', 'C24'] });
    assert.deepEqual(
      results.filter(({ ok }) => !ok).map(({ id, detail }) => `${id}: ${detail}`),
      [],
    );
    const { ports, state } = await device.instance('ni6');
    assert.deepEqual(
      [state, ports],
      ['online', [{ interface: 'eth3', state: 'held', shared: false, bridged: 'forwarding', error: null }]],
    );
    const { leased, sources } = await app6();
    assert.match(leased[0] ?? '', /^192\.168\.3\./);
    assert.equal(sources[0], 'dhcp');
    assert.equal(await run('device', 'ip', '-o', 'link', 'show', 'dev', 'eth3'), '');
  });

  it('lists what it denies in the flow log', async () => {
    const since = Date.now();
    await device.world.exec('app6', 'curl', ['-s', '--connect-timeout', '1', 'http://198.51.100.20/']);
    await until('the denied flow is listed', async () => {
      const { output } = await device.run('flows', 'ni6', '--json');
      const flows = JSON.parse(output) as { app: string; action: string; destination: string; end: number }[];
      return flows.some(
        flow =>
          flow.app === 'app6' &&
          flow.action === 'drop' &&
          flow.destination === '198.51.100.20' &&
          flow.end > since - 2000,
      );
    });
  });

  it('is left alone by another supervisor, and by another manager', async () => {
    const links = () => run('ni6', 'ip', '-o', 'link');
    const before = await links();
    const was = await device.instance('ni6');
    await device.restartSupervisor();
    assert.equal((await device.instance('ni6')).manager.pid, was.manager.pid);
    assert.deepEqual((await device.instance('ni6')).ports, was.ports);
    process.kill(was.manager.pid!, 'SIGKILL');
    await until('another manager is in service', async () => {
      const now = await device.instance('ni6');
      return (
        now.manager.pid !== null &&
        now.manager.pid !== was.manager.pid &&
        now.manager.restarts === 1 &&
        now.state === 'online'
      );
    });
    const { nftTransactions, ipBatches, driftRepairs } = await device.instance('ni6');
    assert.deepEqual([nftTransactions, ipBatches, driftRepairs], [0, 0, 0]);
    assert.equal(await links(), before);
    await until('the address is known again', async () => (await app6()).sources[0] === 'dhcp');
  });

  it('carries 10 000 packets without a copy of one to its manager, and learns nothing from them', async t => {
    await apply((await readFile('examples/demo.yaml', 'utf8')).replace(LIMITED, '{ id: 1, ip: 192.168.0.0/16 }'));
    const listeners = async () => (await run('ni6', 'cat', '/proc/net/packet')).trim().split('\n').length - 1;
    const counted = async () => {
      const counters = await run('ni6', 'nft', 'list', 'counter', 'bridge', 'nibox', 'ace_1_1');
      return Number(/packets (\d+)/.exec(counters)?.[1]);
    };
    /** Who is known, without the times that go by. */
    const learnt = async () => {
      const sets = ['arp4', 'lease4', 'nd6'].map(set => run('ni6', 'nft', '-j', 'list', 'set', 'bridge', 'nibox', set));
      return (await Promise.all(sets)).map(text =>
        [...text.matchAll(/"concat": (\[[^\]]*\])/g)].map(match => match[1]).sort(),
      );
    };
    /** Sends them at the link's own speed; gives how many the ACE has let pass. */
    const send = async () => {
      const server = device.world.spawn('gw', 'iperf3', ['-s', '-1', '-B', GATEWAY, '-p', `${PORT}`]);
      await until('iperf3 listens', async () =>
        (await run('gw', 'ss', '-Htln', `sport = :${PORT}`)).includes(`:${PORT}`),
      );
      const passed = await counted();
      const size = ['-u', '-k', `${PACKETS}`, '-l', `${PACKET_BYTES}`, '-b', '20M'];
      assert.ok(await succeeds('app6', 'iperf3', '-c', GATEWAY, '-p', `${PORT}`, ...size), 'iperf3 has sent all');
      server.kill();
      return (await counted()) - passed;
    };
    await until('the ACE is without limit', async () => (await counted()) >= 0);
    await run('app6', 'ping', '-c1', '-W2', GATEWAY);

    const before = await learnt();
    const passed = await send();
    assert.ok(passed >= PACKETS, `${passed} packets passed`);
    assert.equal(await listeners(), 0, 'nobody in the namespace has an AF_PACKET socket');
    const { mac } = await app6();
    const strangers = [...before, ...(await learnt())].flat().filter(key => !isAbout(key ?? '', mac));
    assert.deepEqual(strangers, [], 'only what the app itself, or its DHCP server, said of it');
    assert.deepEqual((await learnt())[0], before[0]);

    // The look sees a listener, and a listener would see the packets.
    const capture = device.world.spawn('ni6', 'tcpdump', ['-n', '-i', 'eth3', '-B', '8192', '-w', '/dev/null', 'udp']);
    let told = '';
    capture.stderr!.on('data', chunk => {
      told += chunk;
    });
    await until('tcpdump listens', async () => told.includes('listening on'));
    assert.equal(await listeners(), 1);
    await send();
    await sleep(500);
    capture.kill('SIGINT');
    await until('tcpdump has counted', async () => told.includes('received by filter'));
    const copies = Number(/(\d+) packets received by filter/.exec(told)?.[1]);
    assert.ok(copies >= PACKETS, `a listener would have got ${copies} copies`);
    t.diagnostic(`${passed} packets passed: 0 AF_PACKET sockets; with tcpdump, ${copies} copies`);
    await apply(await readFile('examples/demo.yaml', 'utf8'));
  });

  it('is put right when others change it', async () => {
    const was = await device.instance('ni6');
    await device.world.exec('ni6', 'nft', ['flush', 'ruleset']);
    await until('the rules are back', async () =>
      succeeds('ni6', 'nft', 'list', 'chain', 'bridge', 'nibox', 'prerouting'),
    );
    await device.world.exec('ni6', 'ip', ['link', 'set', 'dev', 'eth3', 'nomaster']);
    await until('the port is back', async () =>
      (await run('ni6', 'ip', '-o', 'link', 'show', 'dev', 'eth3')).includes('master br'),
    );
    const { vif } = await app6();
    await device.world.exec('ni6', 'ip', ['link', 'del', 'dev', vif]);
    await until(
      'app6 is online again',
      async () => (await app6()).state === 'online' && (await run('app6', 'ip', '-o', 'link')).includes('eth0'),
    );
    await until('app6 is reached again', async () => succeeds('app6', 'ping', '-c1', '-W1', GATEWAY), 60_000);
    assert.ok((await device.instance('ni6')).driftRepairs >= was.driftRepairs + 3);
    const log = await readFile(join(device.world.runDirectory, 'nibox-log/ni6/manager.log'), 'utf8');
    for (const item of ['nft:bridge nibox', 'links']) assert.match(log, new RegExp(`"drift":true,"item":"${item}"`));
  });

  it('gives its uplink back when it is removed, or becomes a network instance of another type', async () => {
    const config = await readFile('examples/demo.yaml', 'utf8');
    const withoutApp6 = config.slice(0, config.indexOf('  - name: app6'));
    const local = withoutApp6.replace('type: switch\n    port: eth3', 'port: eth3\n    subnet: 10.10.60.0/24');
    assert.notEqual(local, withoutApp6);
    await apply(local);
    assert.match(await run('device', 'ip', '-br', 'link', 'show', 'dev', 'eth3'), /^eth3.* UP /);
    await until('ni6 is a local one', async () => {
      const { type, state } = await device.instance('ni6');
      return type === 'local' && state === 'online';
    });
    await apply(config);
    await until('it is a switch again', async () => (await device.instance('ni6')).ports[0]?.state === 'held');
    await apply(withoutApp6.replace(/ {2}- name: ni6\n {4}type: switch\n {4}port: eth3\n/, ''));
    assert.match(await run('device', 'ip', '-br', 'link', 'show', 'dev', 'eth3'), /^eth3.* UP /);
    assert.equal(await device.instance('ni6'), undefined);
    await apply(config);
  });

  it('leaves nothing when nibox is stopped, and the uplink is where it was', async () => {
    const traces = await noteTraces(device.world);
    await device.world.stopSupervisor();
    const { ok, detail } = await checkStopped(device.world, { traces });
    assert.ok(ok, detail);
    assert.match(await run('device', 'ip', '-br', 'link', 'show', 'dev', 'eth3'), /^eth3.* UP /);
  });
});

describe('a switch on an uplink that the device and local network instances use', () => {
  const APP = '192.168.0.66';
  let shared = '';
  let directory = '';
  tellFailures(() => device);
  before(async () => {
    const text = await readFile('examples/demo.yaml', 'utf8');
    directory = await mkdtemp(join(tmpdir(), 'nibox-switch-'));
    const config = join(directory, 'config.yaml');
    // ni1 and ni2 are on eth0 too; gw serves DHCP on eth3 alone, so app6 gets its address from the test.
    shared = text
      .replace('type: switch\n    port: eth3', 'type: switch\n    port: eth0')
      .replace(
        '{ id: 1, ip: 192.168.0.0/16, limit: { rate: 5, per: second, burst: 15 } }',
        '{ id: 1, ip: 192.168.0.0/16 }',
      );
    assert.notEqual(shared, text);
    await writeFile(config, text);
    device = await startDevice(config);
    await writeFile(config, shared); // for the supervisor after that
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(await device?.down(), []);
  });

  const picture = async () => {
    const parts = await Promise.all([
      run('device', 'ip', '-o', 'addr', 'show', 'dev', 'eth0'),
      run('device', 'ip', '-4', 'route', 'show', 'table', 'main', 'dev', 'eth0'),
      run('device', 'ip', '-6', 'route', 'show', 'table', 'main', 'dev', 'eth0'),
      run('device', 'ip', '-o', 'link', 'show', 'dev', 'eth0'),
    ]);
    return parts
      .join('')
      .replace(/^\d+: /gm, '')
      .replace(/@\S+/g, ':')
      .replace(/\\ {4}alias .*$/gm, '')
      .replace(/ link-netns\S* \S+| qlen \d+/g, '')
      .replace(/ +/g, ' ');
  };
  const curl = async (from: string, url: string, ...args: string[]) =>
    (await run(from, 'curl', '-s', '--connect-timeout', '2', '-m', '5', ...args, url)).trim();
  let asItWas = '';

  it('takes it while a stand-in carries on, with all that the device has on it', async () => {
    await until('no address is in doubt', async () => !/tentative/.test(await picture()));
    asItWas = await picture();
    await apply(shared);
    await until('the uplink is in the switch', async () => {
      const [port] = (await device.instance('ni6')).ports;
      return port?.state === 'held' && port.shared && port.bridged === 'forwarding';
    });
    await until('the device reaches gw', async () =>
      succeeds('device', 'ping', '-c1', '-W1', '-I', 'eth0', '192.168.0.1'),
    );
    await until('no address is in doubt', async () => !/tentative/.test(await picture()));
    assert.equal(await picture(), asItWas);
    assert.match(await run('device', 'ip', 'link', 'show', 'dev', 'eth0'), /alias nibox .*: uplink of the switch ni6/);
  });

  it('lets local network instances and port maps work on the same uplink', async () => {
    const ids = ['C02', 'C03', 'C09', 'C10', 'C11', 'C15', 'C19', 'C26', 'C32'];
    const results = await runChecks({ world: device.world, nibox: device.nibox, ids });
    assert.deepEqual(
      results.filter(({ ok }) => !ok).map(({ id, detail }) => `${id}: ${detail}`),
      [],
    );
  });

  it('lets an app reach the network, and the device’s port maps, but no service of the device', async () => {
    await run('app6', 'ip', 'address', 'replace', `${APP}/24`, 'dev', 'eth0');
    await until('app6 reaches gw', async () => (await curl('app6', 'http://192.168.0.1/')) === 'gw');
    await until('app6 reaches the port map', async () => (await curl('app6', 'http://192.168.0.2:8080/')) === 'app2');
    assert.equal(await curl('app6', 'http://192.168.0.2:2222/'), '');
    assert.equal(await curl('gw', 'http://192.168.0.2:2222/'), 'device');
    assert.equal(await curl('gw', `http://${APP}/`), 'app6');
    assert.equal(await curl('device', `http://${APP}/`), 'app6');
    await until('its address is known', async () => (await app6()).leased.includes(APP));
  });

  it('is taken over by another supervisor as it is', async () => {
    const links = async () => (await run('device', 'ip', '-o', 'link')) + (await run('ni6', 'ip', '-o', 'link'));
    const before = await links();
    // app6 has no lease, so nothing gets as ready as the demo does.
    process.kill((await device.status()).supervisor.pid, 'SIGKILL');
    await until('the supervisor is gone', async () => !(await device.world.supervisor()));
    assert.equal(await curl('app6', 'http://192.168.0.1/'), 'gw');
    await device.startSupervisor();
    await until('ni6 is as it was', async () => {
      const { state, ports } = await device.instance('ni6');
      return state === 'online' && ports[0]?.state === 'held' && ports[0].shared;
    });
    assert.equal(await links(), before);
    assert.equal(await picture(), asItWas);
  });

  it('gives it back with everything on it when it gets another port, and when nibox stops', async () => {
    await apply(shared.replace('type: switch\n    port: eth0', 'type: switch\n    port: eth3'));
    await until('the switch has its new uplink', async () => {
      const { ports } = await device.instance('ni6');
      return ports.length === 1 && ports[0]?.interface === 'eth3' && ports[0].state === 'held';
    });
    await until('eth0 is as it was', async () => (await picture()) === asItWas);
    assert.doesNotMatch(await run('device', 'ip', 'link', 'show', 'dev', 'eth0'), /alias/);
    await until('ni1 works on it', async () => succeeds('app1', 'ping', '-c1', '-W1', '-I', 'eth0', '192.168.0.1'));

    await apply(shared);
    await until('the uplink is in the switch', async () => (await device.instance('ni6')).ports[0]?.state === 'held');
    const traces = await noteTraces(device.world);
    assert.equal(await device.world.stopSupervisor(), true);
    const { ok, detail } = await checkStopped(device.world, { traces });
    assert.ok(ok, detail);
    await until('eth0 is as it was', async () => (await picture()) === asItWas);
    await until('the device reaches gw', async () =>
      succeeds('device', 'ping', '-c1', '-W1', '-I', 'eth0', '192.168.0.1'),
    );
  });
});

/** Whether a learnt key has the app's MAC, which nft prints as text or as a number. */
function isAbout(key: string, mac: string): boolean {
  return key.includes(mac) || key.includes(String(Number.parseInt(mac.replaceAll(':', ''), 16)));
}
