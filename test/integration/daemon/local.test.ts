import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkStopped, noteTraces, runChecks } from '../../conformance/index.ts';
import { type Device, startDevice, until } from './device.ts';
import { assertKeptIn } from './isolation.ts';
import { LOCAL_CHECKS } from './local-checks.ts';
import { tellFailures } from './tell-failures.ts';

const GITHUB = ['--interface', 'eth0', '--resolve', 'github.com:80:198.51.100.10'];

describe('the daemon on the demo world', () => {
  let device: Device;
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  const curl = (app: string, ...args: string[]) =>
    device.world.exec(app, 'curl', ['-s', '--connect-timeout', '2', ...args]);

  it('passes all checks of local network instances', async () => {
    const results = await runChecks({ world: device.world, nibox: device.nibox, ids: LOCAL_CHECKS });
    const wrong = results.filter(({ ok }) => !ok).map(({ id, detail }) => `${id}: ${detail}`);
    assert.deepEqual(wrong, []);
    assert.equal(results.length, LOCAL_CHECKS.length);
  });

  it('does nothing for an unchanged file, and one nft transaction in one namespace for one more ACE', async () => {
    const file = join(device.world.runDirectory, 'changed.yaml');
    const text = await readFile('examples/demo.yaml', 'utf8');
    const writes = async () =>
      (await device.status()).networkInstances.map(ni => [ni.name, ni.nftTransactions, ni.ipBatches] as const);
    const before = await writes();
    await writeFile(file, text);
    assert.equal((await device.run('apply', file)).code, 0);
    assert.deepEqual(await writes(), before);

    const google = ['--interface', 'eth0', '--resolve', 'google.com:80:198.51.100.20', 'http://google.com/'];
    assert.notEqual((await curl('app1', ...google)).exitCode, 0);
    await writeFile(
      file,
      text.replace(
        '{ id: 2, ip: 192.168.0.0/16 }',
        '{ id: 2, ip: 192.168.0.0/16 }\n          - { id: 3, ip: 198.51.100.20 }',
      ),
    );
    await device.run('apply', file);
    assert.equal((await curl('app1', ...google)).stdout.trim(), 'google.com');
    assert.deepEqual(
      await writes(),
      before.map(([name, nft, ip]) => [name, name === 'ni1' ? nft + 1 : nft, ip]),
    );
    await device.run('apply', 'examples/demo.yaml');
    assert.notEqual((await curl('app1', ...google)).exitCode, 0);
  });

  it('changes nothing for a file that is wrong, and says where', async () => {
    const file = join(device.world.runDirectory, 'wrong.yaml');
    await writeFile(file, 'networkInstances: [{ name: ni1, subnet: 7 }');
    const { code, output } = await device.run('apply', file);
    assert.equal(code, 1);
    assert.match(output, /Remedy/i);
    assert.equal((await device.instance('ni1')).state, 'online');
  });

  it('puts right a flushed ruleset, a deleted VIF and a killed dnsmasq, and logs them as drift', async () => {
    const was = await device.instance('ni1');
    await device.world.exec('ni1', 'nft', ['flush', 'ruleset']);
    await until('the rules are back', async () =>
      (await device.world.exec('ni1', 'nft', ['list', 'table', 'inet', 'nibox'])).stdout.includes('hook prerouting'),
    );
    process.kill(was.dnsmasqPid, 'SIGKILL');
    await until('another dnsmasq runs', async () => {
      const { dnsmasqPid } = await device.instance('ni1');
      return dnsmasqPid !== 0 && dnsmasqPid !== was.dnsmasqPid;
    });
    await device.world.exec('ni1', 'ip', ['link', 'del', 'nbu1x1']);
    await until('app1 is online again', async () =>
      (await curl('app1', ...GITHUB, 'http://github.com/')).stdout.includes('github.com'),
    );
    const log = await readFile(join(device.world.runDirectory, 'nibox-log/ni1/manager.log'), 'utf8');
    for (const item of ['nft:inet nibox', 'dnsmasq', 'links']) {
      assert.match(log, new RegExp(`"drift":true,"item":"${item}"`));
    }
  });

  it('shows every item with what it depends on, and an item in error until its cause is gone', async () => {
    const { items, dnsmasqPid } = await device.instance('ni3');
    assert.deepEqual(
      items.filter(({ state }) => state !== 'ok'),
      [],
    );
    const kinds = ['address', 'dnsmasq', 'link', 'metadata', 'nft', 'route', 'sysctl', 'vif'];
    assert.deepEqual([...new Set(items.map(({ kind }) => kind))], kinds);
    const dnsmasq = items.find(({ kind }) => kind === 'dnsmasq');
    assert.deepEqual(dnsmasq?.dependsOn, ['link:br', 'address:br 10.10.1.1/24']);

    // Who has the port first keeps dnsmasq from it.
    const squatter = device.world.exec('ni3', 'sh', [
      '-c',
      `kill -9 ${dnsmasqPid}; exec timeout 6 socat -u UDP-RECV:53,bind=10.10.1.1 -`,
    ]);
    await until('dnsmasq is in error', async () => {
      const { output } = await device.run('status', 'ni3');
      return /^dnsmasq dhcp-dns +error .*address already in use/im.test(output);
    });
    assert.equal((await device.instance('ni3')).state, 'degraded');
    await squatter;
    await until(
      'ni3 is online again',
      async () => {
        const now = await device.instance('ni3');
        return now.state === 'online' && now.items.every(({ state }) => state === 'ok');
      },
      60_000,
    );
  });

  it('keeps a manager from other network instances, the supervisor and other namespaces', async () => {
    const { output } = await device.exec('ni1', 'id', '-u');
    assert.equal(output.trim(), '0', 'it is root in there');
    await assertKeptIn(device, { userNamespace: true });
  });

  it('leaves nothing when it is stopped', async () => {
    const traces = await noteTraces(device.world);
    await device.world.stopSupervisor();
    const { ok, detail } = await checkStopped(device.world, { traces });
    assert.ok(ok, detail);
  });
});
