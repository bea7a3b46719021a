import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeMark, defaultDropMark, userMark } from '../../../netns-manager/acl/mark.ts';
import type { DeniedFlow } from '../../../netns-manager/acl/observe.ts';
import { FlowLog } from '../../../netns-manager/flowlog/flow-log.ts';
import { identifyProcess } from '../../../shared/kernel/process-identity.ts';
import { run } from '../../../shared/kernel/run.ts';
import { silentLog } from '../../../shared/log/log.ts';
import { FlowAction, type FlowRecord } from '../../../shared/proto/messages.ts';
import { app } from '../../unit/netns-manager/dhcp/fixtures.ts';
import { NiWorld, UPSTREAM, until } from '../dhcp/ni-world.ts';

let world: NiWorld;
let records: FlowRecord[];
let denied: DeniedFlow[];
let flowLog: FlowLog;

before(async () => {
  world = await NiWorld.create(1);
  await world.ip('app1', 'addr add 10.10.1.2/24 dev eth0', 'route add default via 10.10.1.1');
  await world.ip('up', 'route add 10.10.1.0/24 via 192.168.0.2');
  await world.exec(
    'ni',
    'sysctl',
    '-qw',
    'net.netfilter.nf_conntrack_acct=1',
    'net.netfilter.nf_conntrack_timestamp=1',
  );
  await world.nft(
    ['-f', '-'],
    `table inet t {
  chain prerouting {
    type filter hook prerouting priority mangle; policy accept;
    ct mark 0 iifname "br" ct mark set ${userMark(1, 7, false)}
    ct mark 0 iifname "uplink" ct mark set ${userMark(1, 8, false)}
  }
}
`,
  );
  records = [];
  denied = [];
  flowLog = new FlowLog({
    log: silentLog,
    apps: () => [app()],
    readDenied: async () => denied,
    publish: (_key, batch) => void records.push(...batch.flows),
    deniedIntervalMs: 50,
    flushIntervalMs: 50,
    conntrackCommand: ['setpriv', '--pdeathsig', 'KILL', 'ip', 'netns', 'exec', world.name('ni'), 'conntrack'],
  });
});
after(async () => {
  await flowLog?.stop();
  world?.close();
});

/** One UDP question and its answer, from one namespace to a server in another. */
async function talk(from: string, to: string, address: string, port: number): Promise<void> {
  const server = `const s = require('dgram').createSocket('udp4'); s.on('message', (m, r) => s.send('answer', r.port, r.address, () => s.close())); s.bind(${port}, () => console.log('up'))`;
  const client = `const s = require('dgram').createSocket('udp4'); s.on('message', () => process.exit(0)); setInterval(() => s.send('ask', ${port}, '${address}'), 200); s.send('ask', ${port}, '${address}'); setTimeout(() => process.exit(1), 10000)`;
  const child = spawn('ip', ['netns', 'exec', world.name(to), process.execPath, '-e', server], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise(resolve => child.stdout.once('data', resolve));
  await world.exec(from, process.execPath, '-e', client);
}

/** Ends the connections of a port, so that their records come now and not after their time-out. */
async function forget(port: number): Promise<void> {
  await world.exec('ni', 'conntrack', '-D', '-p', 'udp', '--dport', String(port)).catch(() => '');
}

test('nothing runs until it is started', () => {
  assert.equal(flowLog.isRunning, false);
  assert.equal(flowLog.conntrackPid, null);
});

test('connections that end are told with their app, ACE, direction and traffic', async () => {
  flowLog.start();
  await untilListening();
  await talk('app1', 'up', UPSTREAM, 5001);
  await talk('up', 'app1', '10.10.1.2', 5002);
  await forget(5001);
  await forget(5002);
  await until('both records', () => records.length >= 2);
  const [out, back] = [5001, 5002].map(port => records.find(record => record.destinationPort === port));
  assert.deepEqual(
    [out?.vif, out?.aceId, out?.inbound, out?.source, out?.destination, out?.protocol, out?.action],
    ['nbu1x1', 7, false, '10.10.1.2', UPSTREAM, 17, FlowAction.FLOW_ACCEPT],
  );
  assert.ok(out && out.txPackets >= 1 && out.rxPackets >= 1 && out.rxBytes >= 34 && out.start <= out.end);
  assert.deepEqual([back?.aceId, back?.inbound, back?.source, back?.destination], [8, true, UPSTREAM, '10.10.1.2']);
});

test('denied flows are told once, and again when they grow', async () => {
  const flow: DeniedFlow = {
    by: decodeMark(defaultDropMark(1)),
    inbound: false,
    mac: '02:16:3e:00:00:01',
    source: '10.10.1.2',
    destination: '9.9.9.9',
    protocol: 6,
    port: 443,
    packets: 1,
    bytes: 60,
    expires: 60,
  };
  const drops = () => records.filter(({ action }) => action === FlowAction.FLOW_DROP);
  denied = [flow];
  await until('the drop', () => drops().length === 1);
  denied = [{ ...flow, packets: 4, bytes: 240 }];
  await until('its growth', () => drops().length > 1);
  assert.deepEqual(
    drops().map(({ txPackets, aceId }) => [txPackets, aceId]),
    [
      [1, 0],
      [3, 0],
    ],
  );
});

test('a listener that dies is started again', { timeout: 60_000 }, async () => {
  const first = flowLog.conntrackPid ?? 0;
  process.kill(first, 'SIGKILL');
  await until('another listener', () => flowLog.conntrackPid !== null && flowLog.conntrackPid !== first, 30_000);
  await untilListening();
  records = [];
  await talk('app1', 'up', UPSTREAM, 5003);
  await forget(5003);
  await until('a record', () => records.some(record => record.destinationPort === 5003));
});

test('the listener ends with the log', async () => {
  const pid = flowLog.conntrackPid ?? 0;
  await flowLog.stop();
  assert.equal(identifyProcess(pid), null);
  assert.equal(flowLog.isRunning, false);
});

test('the listener ends with the process that started it, even after kill -9', { timeout: 60_000 }, async () => {
  const parent = spawn(
    'ip',
    ['netns', 'exec', world.name('ni'), process.execPath, '--import', 'tsx', join(import.meta.dirname, 'listen.ts')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const pid = Number(String(await new Promise(resolve => parent.stdout.once('data', resolve))));
  await until('it runs', async () => (await run('cat', [`/proc/${pid}/comm`])).trim() === 'conntrack');
  parent.kill('SIGKILL');
  await until('it ends', () => identifyProcess(pid) === null);
});

/** conntrack says nothing when it is ready; the only event socket of the namespace (netlink family 12) is its. */
async function untilListening(): Promise<void> {
  await until('conntrack listens', async () => {
    const sockets = await world.exec('ni', 'cat', '/proc/net/netlink');
    return sockets.split('\n').some(line => {
      const [, family, , groups] = line.trim().split(/\s+/);
      return family === '12' && groups !== '00000000';
    });
  });
}
