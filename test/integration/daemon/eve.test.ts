import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecks } from '../../conformance/index.ts';
import { type Device, startDevice } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const SCENARIO = '../shared/evenet/scenario.json';

describe('an EVE device config', { skip: existsSync(SCENARIO) ? false : `${SCENARIO} is not here` }, () => {
  let device: Device;
  tellFailures(() => device);
  before(async () => {
    device = await startDevice(SCENARIO);
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  it('runs as it is but for its two VPN network instances, which say where their config is wrong', async () => {
    const states = (await device.status()).networkInstances.map(({ name, state }) => `${name} ${state}`);
    assert.deepEqual(states, ['ni1 online', 'ni2 online', 'ni3 online', 'ni4 error', 'ni5 error', 'ni6 online']);
    assert.match((await device.instance('ni4')).error ?? '', /networkInstances\[3\]\.cfg\.oconfig/);
    assert.match((await device.instance('ni5')).error ?? '', /networkInstances\[4\]\.cfg\.oconfig/);
  });

  it('keeps its managers when the supervisor is killed, and a new one takes them over', async () => {
    const was = (await device.status()).networkInstances.map(({ manager, dnsmasqPid }) => [manager.pid, dnsmasqPid]);
    await device.restartSupervisor();
    const now = (await device.status()).networkInstances.map(({ manager, dnsmasqPid }) => [manager.pid, dnsmasqPid]);
    assert.deepEqual(now, was);
  });
});

/** What `cfg.oconfig` takes for a tunnel to a gateway. */
const oconfig = (gateway: string) =>
  JSON.stringify({
    VpnRole: 'onPremClient',
    PolicyBased: true,
    VpnGatewayIpAddr: gateway,
    VpnSubnetBlock: '192.168.0.0/24',
    PreSharedKey: 'evenet123',
    LocalSubnetBlock: 'appNet',
    ClientConfigList: [{ IpAddr: 'upLink', SubnetBlock: 'appNet' }],
  });

describe('an EVE device config with tunnels', {
  skip: existsSync(SCENARIO) ? false : `${SCENARIO} is not here`,
}, () => {
  let device: Device;
  let directory = '';
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-eve-'));
    const scenario = JSON.parse(await readFile(SCENARIO, 'utf8'));
    scenario.networkInstances[3].cfg.oconfig = oconfig('192.168.111.1');
    scenario.networkInstances[4].cfg.oconfig = oconfig('192.168.222.1');
    await writeFile(join(directory, 'scenario.json'), JSON.stringify(scenario), { mode: 0o600 });
    device = await startDevice(join(directory, 'scenario.json'));
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(await device?.down(), []);
  });

  it('passes the checks of VPN network instances', async () => {
    const results = await runChecks({
      world: device.world,
      nibox: device.nibox,
      ids: ['C16', 'C17', 'C18', 'C20', 'C21'],
    });
    assert.deepEqual(
      results.filter(({ ok }) => !ok).map(({ id, detail }) => `${id}: ${detail}`),
      [],
    );
  });

  it('shows no key', async () => {
    assert.doesNotMatch((await device.run('status', '--json')).output, /evenet123/);
    assert.doesNotMatch((await device.run('logs', 'ni4')).output, /evenet123/);
  });
});
