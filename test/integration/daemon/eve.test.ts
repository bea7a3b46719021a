import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type Device, startDevice } from './device.ts';

const SCENARIO = '../shared/evenet/scenario.json';

describe('an EVE device config', { skip: existsSync(SCENARIO) ? false : `${SCENARIO} is not here` }, () => {
  let device: Device;
  before(async () => {
    device = await startDevice(SCENARIO);
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  it('runs as it is but for its two VPN network instances, which say where their config is wrong', async () => {
    const states = (await device.status()).networkInstances.map(({ name, state }) => `${name} ${state}`);
    assert.deepEqual(states, ['ni1 online', 'ni2 online', 'ni3 online', 'ni4 error', 'ni5 error', 'ni6 error']);
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
