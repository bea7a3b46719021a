import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const FIGHT_MS = 15_000;
/** The longest delay that 15 s of fighting lead to, and the time after which a fight counts as over. */
const PEACE_MS = 90_000;
const TOLD = /somebody undoes it again and again: put right \d+ times .* find what else/;

describe('somebody who undoes what is put right, as fast as he can', () => {
  let device: Device;
  let other: ChildProcess | null = null;
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    other?.kill('SIGKILL');
    assert.deepEqual(await device?.down(), []);
  });

  it('is told in the status and answered ever more slowly, while the other network instances and items go on', async t => {
    const item = await fight(t, 'ni1', 'ip addr del 10.10.1.1/24 dev br', 'address:br 10.10.1.1/24', 14);
    const logs = (await device.run('logs', 'ni1', '-n', '500')).output;
    assert.ok(logs.split('\n').filter(line => line.includes(item)).length < 25, 'the log is not flooded');
  });

  it('meets a repair each second where rules are meant, whatever he does', async t => {
    await fight(t, 'ni1', 'nft flush table inet nibox', 'nft:inet nibox', 26, 5);
  });

  it('is told of on the device, too', async t => {
    const table = `inet nibox_${device.prefix}`;
    begin('device', `nft delete table ${table}`);
    const began = Date.now();
    await until('it is told', async () => (await warnings()).some(text => TOLD.test(text)));
    t.diagnostic(`told after ${Date.now() - began} ms`);
    await sleep(Math.max(0, FIGHT_MS - (Date.now() - began)));
    await end();
    await until(
      'it is as it was',
      async () => (await seen('device', `nft list table ${table}`)).includes('chain forward'),
      PEACE_MS,
    );
    await until('no warning is left', async () => !(await warnings()).some(text => TOLD.test(text)), PEACE_MS);
  });

  /** Lets somebody run a command over and over; gives the item's key. */
  async function fight(
    t: TestContext,
    ni: string,
    harm: string,
    key: string,
    most: number,
    least = 6,
  ): Promise<string> {
    const before = await device.instance(ni);
    const ping = device.world.exec('app3', 'ping', ['-c', '60', '-i', '0.2', '-W', '2', '192.168.1.1'], {
      timeoutMs: 60_000,
    });
    const began = Date.now();
    begin(ni, harm);
    await until(
      'it is told',
      async () => (await item(ni, key))?.state === 'error' && TOLD.test((await item(ni, key))!.error),
    );
    t.diagnostic(`told after ${Date.now() - began} ms`);
    // Another item of the same network instance.
    await seen(ni, 'ip addr add 192.0.2.1/24 dev br');
    const drift = Date.now();
    await until('it is put right', async () => !(await seen(ni, 'ip addr show dev br')).includes('192.0.2.1'));
    t.diagnostic(`another item of ${ni} was put right after ${Date.now() - drift} ms`);
    await sleep(Math.max(0, FIGHT_MS - (Date.now() - began)));
    await end();
    const repairs = (await device.instance(ni)).driftRepairs - before.driftRepairs - 1;
    t.diagnostic(`${repairs} repairs in ${Date.now() - began} ms`);
    assert.ok(repairs <= most && repairs >= least, `${repairs} repairs`);
    assert.match((await ping).stdout, /60 received/);
    const healed = Date.now();
    await until(
      'all is healthy',
      async () => {
        const { state, items } = await device.instance(ni);
        return state === 'online' && items.every(one => one.state === 'ok');
      },
      PEACE_MS,
    );
    t.diagnostic(`healthy ${Date.now() - healed} ms after the end`);
    assert.equal((await device.instance(ni)).manager.pid, before.manager.pid);
    return key;
  }

  function begin(place: string, harm: string): void {
    other = device.world.spawn(place, 'sh', ['-c', `while :; do ${harm} 2>/dev/null; done`]);
    other.stdout?.resume();
    other.stderr?.resume();
  }

  async function end(): Promise<void> {
    other?.kill('SIGKILL');
    await sleep(200);
  }

  async function warnings(): Promise<string[]> {
    return ((await device.status()) as unknown as { warnings: string[] }).warnings;
  }

  async function item(ni: string, key: string) {
    return (await device.instance(ni)).items.find(({ kind, id }) => `${kind}:${id}` === key);
  }

  async function seen(place: string, script: string): Promise<string> {
    return (await device.world.exec(place, 'sh', ['-c', script])).stdout;
  }
});
