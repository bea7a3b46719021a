import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../shared/kernel/run.ts';
import { onTap } from '../../conformance/index.ts';
import { type Device, startDevice, until } from '../daemon/device.ts';
import { tellFailures } from '../daemon/tell-failures.ts';
import { startRelayedGuest } from './relayed-guest.ts';

interface TapLink {
  mtu: number;
  flags: string[];
  master?: string;
  linkinfo: { info_kind: string; info_data: Record<string, unknown>; info_slave_data?: Record<string, unknown> };
}

const GITHUB = '198.51.100.10';

describe('an app on a TAP VIF', () => {
  let device: Device;
  let config: string;
  const file = () => join(tmpdir(), `${process.pid}-tap.yaml`);

  tellFailures(() => device);
  before(async () => {
    config = onTap(await readFile('examples/demo.yaml', 'utf8'), 'app3');
    await writeFile(file(), config);
    device = await startDevice(file());
  });
  after(async () => {
    await run('rm', ['-f', file()]);
    assert.deepEqual(await device?.down(), []);
  });

  const app3 = async () => (await device.status()).apps.find(({ name }) => name === 'app3')!;
  const vif = async () => (await app3()).interfaces[0]!;
  const readTap = async (name: string): Promise<TapLink | undefined> => {
    const { stdout } = await device.world.exec('ni3', 'ip', ['-j', '-d', 'link', 'show', 'dev', name]);
    return (JSON.parse(stdout || '[]') as TapLink[])[0];
  };
  const apply = async (text: string) => {
    await writeFile(file(), text);
    return device.run('apply', file());
  };
  const fetchGithub = async () =>
    (await device.world.exec('app3', 'curl', ['-sS', '--connect-timeout', '2', `http://${GITHUB}/`])).stdout.trim();
  const startGuest = async (mac: string) =>
    startRelayedGuest({ world: device.world, app: 'app3', networkInstance: 'ni3', vif: (await vif()).vif, mac });

  it('gets a persistent TAP of root in the namespace of its network instance, a locked port of the bridge', async () => {
    const tap = await readTap((await vif()).vif);
    assert.equal(tap?.linkinfo.info_kind, 'tun');
    const { type, persist, multi_queue: multiQueue, user } = tap.linkinfo.info_data;
    assert.deepEqual(
      { type, persist, multiQueue, user },
      { type: 'tap', persist: true, multiQueue: false, user: 'root' },
    );
    assert.equal(tap.mtu, 1500);
    assert.ok(tap.flags.includes('UP'));
    await until('it is a locked port', async () => {
      const port = (await readTap((await vif()).vif))?.linkinfo.info_slave_data;
      return port?.locked === true && port.learning === false;
    });
  });

  it('waits for a guest, says which MAC address that must have, and does not make others wait', async () => {
    const { state, attachment, mac } = await vif();
    assert.deepEqual([(await app3()).state, state, attachment], ['waiting', 'waiting for a guest', 'tap']);
    const { output } = await device.run('status');
    assert.match(
      output,
      new RegExp(`app3: TAP nbu1x3 in namespace ${device.prefix}-ni3, the guest's NIC has MAC ${mac}`),
    );
    const exec = await device.run('exec', 'app3', '--prefix', device.prefix, '--', 'true');
    assert.match(exec.output, /guest on a TAP/);
  });

  it('is online with its address while a guest holds the TAP, is judged by its ACL, and waits again when that has gone', async () => {
    const stopGuest = await startGuest((await vif()).mac);
    await until('app3 is online with its lease', async () => {
      const { state, leased } = await vif();
      return state === 'online' && leased[0]?.startsWith('10.10.1.') === true;
    });
    await until('app3 has its address', async () => (await device.world.lease('app3', 'eth0')) !== undefined);
    assert.equal(await fetchGithub(), 'github.com');
    const open = await readFile(file(), 'utf8');
    await apply(open.replace('ip: 0.0.0.0/0', `ip: 0.0.0.0/0, protocol: udp`));
    assert.equal(await fetchGithub(), '');
    await apply(open);
    assert.equal(await fetchGithub(), 'github.com');
    await stopGuest();
    await until('it waits for a guest', async () => (await vif()).state === 'waiting for a guest');
  });

  it('lets nothing of a guest with another MAC address through', async () => {
    const stopGuest = await startGuest('02:16:3e:99:99:99');
    await until('it is online', async () => (await vif()).state === 'online');
    const asked = ['-f', '-i', 'eth0', '-n', '-q', '-t', '3', '-T', '1', '-s', '/bin/true'];
    const { exitCode, stderr } = await device.world.exec('app3', 'busybox', ['udhcpc', ...asked]);
    assert.notEqual(exitCode, 0, stderr);
    assert.match(stderr, /no lease/);
    await stopGuest();
  });

  it('keeps the TAP, with whoever holds it, when the supervisor is killed and another one comes', async () => {
    const stopGuest = await startGuest((await vif()).mac);
    await until('app3 has its address', async () => (await device.world.lease('app3', 'eth0')) !== undefined);
    await device.restartSupervisor();
    await until('it is online', async () => (await vif()).state === 'online');
    assert.equal(await fetchGithub(), 'github.com');
    await stopGuest();
  });

  it('is made anew for another owner; a user that does not exist is told', async () => {
    const { vif: name } = await vif();
    await apply(config.replace('tap: true', 'tap: true\n      user: nobody'));
    await until('nobody owns it', async () => (await readTap(name))?.linkinfo.info_data.user === 'nobody');
    await apply(config.replace('tap: true', 'tap: true\n      user: no-such-user'));
    await until('the status says so', async () => {
      const { state, error } = (await vif()) as { state: string; error?: string };
      return state === 'error' && /no user no-such-user/.test(error ?? '');
    });
    await apply(config);
    await until('it waits for a guest', async () => (await vif()).state === 'waiting for a guest');
  });

  it('goes when its app does, and gives way to a veth when the app is attached by its namespace', async () => {
    const { vif: name } = await vif();
    await apply(config.replace('name: app3', 'name: app3\n    activate: false'));
    await until('it is gone', async () => (await readTap(name)) === undefined);
    await apply(config);
    await until('it is there', async () => (await readTap(name)) !== undefined);
    await apply(await readFile('examples/demo.yaml', 'utf8'));
    await until('it is a veth', async () => (await readTap(name))?.linkinfo.info_kind === 'veth');
    await until('app3 has its address', async () => (await device.world.lease('app3', 'eth0')) !== undefined);
    assert.equal(await fetchGithub(), 'github.com');
    await apply(config);
    await until('it is a TAP again', async () => (await readTap(name))?.linkinfo.info_kind === 'tun');
  });

  it('goes with its network instance, which ends no program that somebody else runs in there', async () => {
    const monitor = device.world.spawn('ni3', 'sleep', ['600']);
    const ofManager = device.run('exec', 'ni3', '--prefix', device.prefix, '--', 'sleep', '600');
    try {
      await until('the TAP is there', async () => (await readTap((await vif()).vif)) !== undefined);
      await apply(config.replace('name: ni3', 'name: ni3\n    activate: false'));
      await until('ni3 is gone', async () => (await device.run('exec', 'ni3', '--prefix', device.prefix)).code !== 0);
      assert.notEqual((await ofManager).code, 0);
      assert.equal(monitor.exitCode, null);
      assert.equal(monitor.signalCode, null);
    } finally {
      monitor.kill('SIGKILL');
    }
  });
});
