import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from '../../conformance/capture.ts';
import { runChecks, type TunnelReport } from '../../conformance/index.ts';
import { ownDownloadBytes, responderName } from '../../world/index.ts';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const REMOTE = 'http://192.168.0.1';
/** Milliseconds for a fault to be told; the machine may be busy with other tests. */
const TOLD_MS = 20_000;
const HEALED_MS = 60_000;

describe('VPN network instances on the demo world', () => {
  let device: Device;
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  const vpn = async (ni: string) => {
    const report = (await device.status()).networkInstances.find(({ name }) => name === ni)!;
    assert.ok(report.vpn, `${ni} shows its tunnels`);
    return report.vpn;
  };
  const tunnel = async (ni: string): Promise<TunnelReport> => (await vpn(ni)).tunnels[0]!;
  const spisOf = ({ initiatorSpi, responderSpi, children }: TunnelReport) => [
    initiatorSpi,
    responderSpi,
    ...children.flatMap(({ spiIn, spiOut }) => [spiIn, spiOut]),
  ];
  const untilUp = (ni: string) =>
    until(`${ni}'s tunnel is up`, async () => (await tunnel(ni)).state === 'up', HEALED_MS);
  const untilTold = (ni: string, error: RegExp) =>
    until(
      `${ni} says ${error}`,
      async () => {
        const { state, error: text } = await tunnel(ni);
        return state !== 'up' && error.test(text);
      },
      TOLD_MS,
    );
  const fetch = (app: string, path: string, ...args: string[]) =>
    device.world.exec(app, 'curl', ['-sS', '--connect-timeout', '3', ...args, `${REMOTE}${path}`], {
      timeoutMs: 120_000,
    });
  const variant = async (name: string, change: (text: string) => string) => {
    const file = join(device.world.runDirectory, name);
    await writeFile(file, change(await readFile('examples/demo.yaml', 'utf8')));
    return file;
  };
  /** Brings a fault about, sees it told, sees ni5 undisturbed, and the tunnel up again when the cause has gone. */
  const fault = async (bring: () => Promise<unknown>, error: RegExp, end: () => Promise<unknown>) => {
    await Promise.all([untilUp('ni4'), untilUp('ni5')]);
    const others = spisOf(await tunnel('ni5'));
    await bring();
    await untilTold('ni4', error);
    assert.notEqual((await fetch('app4', '/')).exitCode, 0, 'nothing gets through while the tunnel is down');
    await end();
    await untilUp('ni4');
    assert.equal((await fetch('app4', '/')).stdout.trim(), 'cloud1');
    assert.deepEqual(spisOf(await tunnel('ni5')), others, 'ni5 keeps its SAs');
  };

  it('passes all checks of VPN network instances', async () => {
    const ids = ['C16', 'C17', 'C18', 'C20', 'C21'];
    const results = await runChecks({ world: device.world, nibox: device.nibox, ids });
    const wrong = results.filter(({ ok }) => !ok).map(({ id, detail }) => `${id}: ${detail}`);
    assert.deepEqual(wrong, []);
    assert.equal(results.length, ids.length);
  });

  it('has managers that rest while nothing happens', async () => {
    await Promise.all([untilUp('ni4'), untilUp('ni5')]);
    const { pid } = (await device.instance('ni4')).manager;
    const before = await cpuSeconds(pid!);
    await sleep(6_000);
    const used = (await cpuSeconds(pid!)) - before;
    assert.ok(used < 1, `${used.toFixed(2)} s of CPU in 6 s`);
  });

  it('carries a download in each of two tunnels with the same selectors at the same time, and each gets its own', async () => {
    const [one, two] = await Promise.all(
      ['app4', 'app5'].map(async app => {
        const { stdout, exitCode } = await fetch(app, '/own');
        assert.equal(exitCode, 0);
        return createHash('sha256').update(stdout).digest('hex');
      }),
    );
    const expected = (name: string) =>
      createHash('sha256')
        .update(Buffer.alloc(ownDownloadBytes, `${name}\n`))
        .digest('hex');
    assert.deepEqual([one, two], [expected('cloud1'), expected('cloud2')]);
  });

  it('goes on with a download through the tunnel when the manager is killed, with the same SAs', async () => {
    await untilUp('ni4');
    const spis = spisOf(await tunnel('ni4'));
    const { charonPid } = await vpn('ni4');
    const was = await device.instance('ni4');
    const download = fetch('app4', '/own', '--limit-rate', '2M', '-o', '/dev/null', '-w', '%{size_download}');
    await sleep(500);
    process.kill(was.manager.pid!, 'SIGKILL');
    await until('ni4 has another manager, online', async () => {
      const now = await device.instance('ni4');
      return now.manager.pid !== was.manager.pid && now.manager.pid !== null && now.state === 'online';
    });
    const { stdout, exitCode } = await download;
    assert.deepEqual({ exitCode, size: Number(stdout) }, { exitCode: 0, size: ownDownloadBytes });
    await untilUp('ni4');
    assert.deepEqual(spisOf(await tunnel('ni4')), spis);
    assert.equal((await vpn('ni4')).charonPid, charonPid);
  });

  it('sends no packet in clear while the tunnel is down and charon is restarted again and again', async () => {
    await untilUp('ni4');
    const { world } = device;
    const inApp = await Capture.start(world, 'app4', 'tcp[tcpflags] & tcp-syn != 0 and dst net 192.168.0.0/24');
    const onUplink = await Capture.start(world, 'device', 'dst net 192.168.0.0/24 and tcp[tcpflags] & tcp-syn != 0');
    await world.endService(responderName('cloud1'));
    // 50 connections a second, each at least one SYN.
    const script = `const n=require('net');setInterval(()=>{const s=n.connect(80,'192.168.0.1');s.on('error',()=>{});
      setTimeout(()=>s.destroy(),900)},20)`;
    const tries = world.spawn('app4', process.execPath, ['-e', script]);
    const began = Date.now();
    while (Date.now() < began + 30_000 || (inApp.packets.length < 1000 && Date.now() < began + 120_000)) {
      const { charonPid } = await vpn('ni4');
      if (charonPid > 0) process.kill(charonPid, 'SIGKILL');
      await sleep(3_000);
    }
    tries.kill('SIGKILL');
    // app3 may send to that network by the same uplink: the capture sees it.
    await world.exec('app3', 'curl', ['-s', '--connect-timeout', '3', 'http://192.168.0.2:8080/']);
    const control = await onUplink.sees(({ device, destinationPort }) => device === 'eth1' && destinationPort === 8080);
    await Promise.all([inApp.stop(), onUplink.stop()]);
    await world.restartService(responderName('cloud1'));

    const tried = inApp.packets.length;
    const clear = onUplink.packets.filter(({ device, destinationPort }) => device === 'eth1' && destinationPort === 80);
    assert.ok(tried >= 1000, `${tried} packets were tried`);
    assert.deepEqual(clear, []);
    assert.ok(control, 'the capture sees what app3 sends');
    assert.deepEqual([inApp.lost, onUplink.lost], [0, 0]);
    await untilUp('ni4');
  });

  it('tells a wrong key in words and heals when it is right', async () => {
    const wrong = await variant('wrong-key.yaml', text => text.replace('psk: evenet123', 'psk: wrong'));
    await fault(
      () => device.run('apply', wrong),
      /authentication failed/i,
      () => device.run('apply', 'examples/demo.yaml'),
    );
  });

  it('tells a gateway that does not answer and heals when it does', async () => {
    await fault(
      () => device.world.endService(responderName('cloud1')),
      /192\.168\.111\.1/,
      () => device.world.restartService(responderName('cloud1')),
    );
  });

  it('starts a killed charon again', async () => {
    await untilUp('ni4');
    const { charonPid } = await vpn('ni4');
    process.kill(charonPid, 'SIGKILL');
    await until('another charon runs', async () => ![0, charonPid].includes((await vpn('ni4')).charonPid), TOLD_MS);
    await untilUp('ni4');
    assert.equal((await fetch('app4', '/')).stdout.trim(), 'cloud1');
  });

  it('is not told its tunnels again when it was started by a manager that had adopted another charon', async () => {
    const killManager = async () => {
      const { pid } = (await device.instance('ni4')).manager;
      process.kill(pid!, 'SIGKILL');
      await until('another manager is in touch', async () => {
        const { manager, state } = await device.instance('ni4');
        return state === 'online' && manager.pid !== pid;
      });
    };
    await untilUp('ni4');
    await killManager();
    const { charonPid } = await vpn('ni4');
    process.kill(charonPid, 'SIGKILL');
    await until('another charon runs', async () => ![0, charonPid].includes((await vpn('ni4')).charonPid), TOLD_MS);
    await untilUp('ni4');
    const spis = spisOf(await tunnel('ni4'));
    await killManager();
    await untilUp('ni4');
    assert.deepEqual(spisOf(await tunnel('ni4')), spis);
  });

  it('goes on with the same SAs when charon was stopped by a signal', async () => {
    await untilUp('ni4');
    const { charonPid } = await vpn('ni4');
    const spis = spisOf(await tunnel('ni4'));
    process.kill(charonPid, 'SIGSTOP');
    await until('it serves again', async () => (await fetch('app4', '/')).stdout.trim() === 'cloud1', TOLD_MS);
    assert.equal((await vpn('ni4')).charonPid, charonPid);
    assert.deepEqual(spisOf(await tunnel('ni4')), spis);
  });

  it('heals when the socket to charon was removed', async () => {
    await untilUp('ni4');
    const { stdout } = await device.world.exec('device', 'find', [
      `/run/nibox/${device.prefix}/ni/ni4`,
      '-name',
      '*.vici',
    ]);
    await rm(stdout.trim());
    await until(
      'the socket is back',
      async () => {
        const found = await device.world.exec('device', 'test', ['-S', stdout.trim()]);
        return found.exitCode === 0;
      },
      TOLD_MS,
    );
    await untilUp('ni4');
    assert.equal((await fetch('app4', '/')).stdout.trim(), 'cloud1');
  });

  it('keeps the kill switch when the rules are flushed', async () => {
    await device.world.endService(responderName('cloud1'));
    const capture = await Capture.start(device.world, 'gw', 'dst net 192.168.0.0/24 and tcp[tcpflags] & tcp-syn != 0');
    for (let round = 0; round < 5; round += 1) {
      await device.world.exec('ni4', 'nft', ['flush', 'ruleset']);
      await fetch('app4', '/', '--connect-timeout', '1');
    }
    await device.world.exec('app3', 'curl', ['-s', '--connect-timeout', '3', 'http://192.168.0.2:8080/']);
    const control = await capture.sees(({ device: at, destinationPort }) => at === 'dev1' && destinationPort === 8080);
    await capture.stop();
    await device.world.restartService(responderName('cloud1'));
    assert.ok(control, 'the capture sees what app3 sends');
    assert.deepEqual(
      capture.packets.filter(({ device: at, destinationPort }) => at === 'dev1' && destinationPort === 80),
      [],
    );
    await untilUp('ni4');
  });
});

/** CPU time of a process and the children that it waited for; clock ticks are hundredths of a second on all of Linux. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}
