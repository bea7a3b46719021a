import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

/** Seconds that the flow through ni2 lasts; both kills and the download fit into it. */
const FLOW_SECONDS = 12;
const PORT = 5201;
/** 5 s on a machine with nothing else to do. */
const DONE_MS = 180_000;
/** As test/world serves it. */
const BIG_BYTES = 209_715_200;

describe('a manager that is killed', () => {
  let device: Device;
  let directory: string;
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-killed-'));
    const config = join(directory, 'config.yaml');
    const text = await readFile('examples/demo.yaml', 'utf8');
    const http = '- { id: 1, eidset: true, protocol: tcp, fport: 80 }\n';
    const flow = `${http}          - { id: 9, eidset: true, protocol: tcp, fport: ${PORT} }\n`;
    await writeFile(config, text.replace(http, flow)); // app1's on ni2
    device = await startDevice(config);
  });
  after(async () => {
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  it('breaks neither a download through its network instance nor a flow in another one, and its successor takes over', async () => {
    const was = { ni1: await device.instance('ni1'), ni2: await device.instance('ni2') };
    const server = device.world.spawn('app2', 'iperf3', ['-s', '-1', '-p', `${PORT}`]);
    try {
      const target = (await device.status()).apps.find(({ name }) => name === 'app2')!.interfaces[0]!.leased[0]!;
      await until('iperf3 listens', async () =>
        (await device.world.exec('app2', 'ss', ['-Htln', `sport = :${PORT}`])).stdout.includes(`:${PORT}`),
      );
      // The ACE allows what DNS said.
      await until('github.com is known', async () => {
        return (await device.world.exec('app1', 'busybox', ['nslookup', 'github.com', '10.10.1.1'])).exitCode === 0;
      });
      const download = device.world.exec(
        'app1',
        'curl',
        [
          ...['-s', '-o', '/dev/null', '-w', '%{size_download}', '--limit-rate', '40M'],
          ...['--interface', 'eth0', '--resolve', 'github.com:80:198.51.100.10', 'http://github.com/big'],
        ],
        { timeoutMs: DONE_MS },
      );
      const flow = device.world.exec(
        'app1',
        'iperf3',
        ['-c', target, '-p', `${PORT}`, '-t', `${FLOW_SECONDS}`, '-b', '100M', '--json'],
        { timeoutMs: DONE_MS },
      );
      await sleep(1_000);
      for (const name of ['ni1', 'ni2'] as const) {
        const pid = was[name].manager.pid!;
        process.kill(pid, 'SIGKILL');
        await until(`${name} has another manager, ready`, async () => {
          const now = await device.instance(name);
          const items = now.items.every(({ state }) => state === 'ok');
          return now.manager.pid !== pid && now.manager.state === 'running' && now.state === 'online' && items;
        });
      }
      const { stdout, exitCode } = await download;
      assert.deepEqual({ exitCode, size: Number(stdout) }, { exitCode: 0, size: BIG_BYTES });
      const report = await flow;
      assert.equal(report.exitCode, 0, report.stdout);
      const { intervals } = JSON.parse(report.stdout) as { intervals: { sum: { bytes: number } }[] };
      assert.ok(intervals.length >= FLOW_SECONDS - 1);
      assert.deepEqual(
        intervals.filter(({ sum }) => sum.bytes === 0),
        [],
        'it never stood still for a second',
      );
    } finally {
      server.kill('SIGKILL');
    }
    for (const name of ['ni1', 'ni2'] as const) {
      const now = await device.instance(name);
      const { dnsmasqPid, nftTransactions, ipBatches, driftRepairs } = now;
      assert.deepEqual(
        { restarts: now.manager.restarts, dnsmasqPid, nftTransactions, ipBatches, driftRepairs },
        { restarts: 1, dnsmasqPid: was[name].dnsmasqPid, nftTransactions: 0, ipBatches: 0, driftRepairs: 0 },
        `${name}: it wrote nothing into the kernel, and dnsmasq goes on`,
      );
    }
  });
});
