import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkStopped, noteTraces, runChecks } from '../../conformance/index.ts';
import { type Device, startDevice, until } from './device.ts';

const LOCAL_CHECKS = [
  ...['C01', 'C02', 'C03', 'C04', 'C05', 'C06', 'C07', 'C08', 'C09', 'C10', 'C11', 'C12', 'C13', 'C14', 'C15'],
  ...['C19', 'C25', 'C26', 'C27', 'C28', 'C31', 'C32'],
];
const GITHUB = ['--interface', 'eth0', '--resolve', 'github.com:80:198.51.100.10'];

describe('the daemon on the demo world', () => {
  let device: Device;
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

  it('brings a killed manager back, which takes over dnsmasq and the kernel without writing; a download goes on', async () => {
    const was = await device.instance('ni1');
    const download = curl(
      'app1',
      '-o',
      '/dev/null',
      '-w',
      '%{size_download}',
      '--limit-rate',
      '60M',
      ...GITHUB,
      'http://github.com/big',
    );
    await new Promise(done => setTimeout(done, 500));
    process.kill(was.manager.pid!, 'SIGKILL');
    await until('ni1 has another manager, online', async () => {
      const now = await device.instance('ni1');
      return now.manager.pid !== was.manager.pid && now.manager.pid !== null && now.state === 'online';
    });
    const { stdout, exitCode } = await download;
    assert.deepEqual({ exitCode, size: Number(stdout) }, { exitCode: 0, size: 209_715_200 });
    await until('its own status is told', async () => (await device.instance('ni1')).manager.restarts === 1);
    const { dnsmasqPid, nftTransactions, ipBatches, driftRepairs } = await device.instance('ni1');
    assert.deepEqual(
      { dnsmasqPid, nftTransactions, ipBatches, driftRepairs },
      { dnsmasqPid: was.dnsmasqPid, nftTransactions: 0, ipBatches: 0, driftRepairs: 0 },
    );
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

  it('keeps a manager from other network instances, the supervisor and other namespaces', async () => {
    const { prefix } = device;
    const supervisor = (await device.status()).supervisor.pid;
    const inside = (command: string) => device.run('exec', 'ni1', '--prefix', prefix, '--', 'sh', '-c', command);
    assert.equal((await inside('id -u')).output.trim(), '0', 'it is root in there');
    assert.equal((await inside(`ls /run/nibox/${prefix}/ni/ni1`)).code, 0, 'its own directory is open to it');
    for (const forbidden of [
      `ls /run/nibox/${prefix}/ni/ni2`,
      `kill -0 ${supervisor}`,
      `nsenter --net=/run/netns/${prefix}-ni2 true`,
      `nsenter --target 1 --net true`,
      'ip link add name nbtest type veth peer name nbpeer netns 1',
      `ls /run/nibox/${prefix}/api.sock && curl -sf --unix-socket /run/nibox/${prefix}/api.sock http://x/v1/status`,
    ]) {
      assert.notEqual((await inside(forbidden)).code, 0, forbidden);
    }
  });

  it('leaves nothing when it is stopped', async () => {
    const traces = await noteTraces(device.world);
    await device.world.stopSupervisor();
    const { ok, detail } = await checkStopped(device.world, { traces });
    assert.ok(ok, detail);
  });
});
