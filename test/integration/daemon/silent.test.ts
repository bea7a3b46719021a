import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

/** Passes that follow other causes are over. */
const REST_MS = 2_000;
/** The pass that comes whatever the events said is a minute later. */
const SOON_MS = 30_000;

describe('what no event tells of', () => {
  let device: Device;
  let directory: string;
  let place: string;
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-silent-'));
    place = join(directory, 'app');
    const config = {
      networkInstances: [{ name: 'ni1', port: 'eth0', subnet: '10.1.0.0/24' }],
      apps: [{ name: 'far', attach: { netns: place }, interfaces: [{ networkInstance: 'ni1' }] }],
    };
    await writeFile(join(directory, 'config.json'), JSON.stringify(config));
    device = await startDevice(join(directory, 'config.json'), { ready: false });
    await until('the network instance is there', async () => (await device.instance('ni1')).state === 'online');
  });
  beforeEach(() => sleep(REST_MS));
  after(async () => {
    await run('umount', [place]).catch(() => '');
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  it('no link of nibox asks for IPv6 routers, or believes one', async () => {
    const read = (place: string, sysctl: string) =>
      device.world.exec(place, 'cat', [`/proc/sys/net/ipv6/conf/${sysctl}`]).then(({ stdout }) => stdout.trim());
    assert.equal(await read('ni1', 'default/accept_ra'), '0');
    assert.equal(await read('device', `${device.prefix}1/disable_ipv6`), '1');
  });

  it('an app whose namespace comes somewhere on the device is attached', async () => {
    assert.match(await appState(), /waiting/);
    await writeFile(place, '');
    await run('unshare', [`--net=${place}`, 'true']);
    await until('the app has its link', async () => (await links()).includes('eth0'), SOON_MS);
  });

  it('an app whose namespace is replaced is attached anew', async () => {
    await run('umount', [place]);
    await run('unshare', [`--net=${place}`, 'true']);
    await until('the app has its link again', async () => (await links()).includes('eth0'), SOON_MS);
  });

  it('new resolvers of the device are those of its network instances', async () => {
    await writeFile(device.world.resolvConf, 'nameserver 192.0.2.53\n');
    const told = `/run/nibox/${device.prefix}/ni/ni1/dnsmasq`;
    await until(
      'dnsmasq has the new resolver',
      async () => {
        const files = (await readdir(told, { withFileTypes: true })).filter(entry => entry.isFile());
        const texts = await Promise.all(files.map(({ name }) => readFile(join(told, name), 'utf8')));
        return texts.some(text => text.includes('192.0.2.53'));
      },
      SOON_MS,
    );
  });

  async function appState(): Promise<string> {
    const { apps } = await device.status();
    return apps.map(({ name, state }) => `${name} ${state}`).join();
  }

  function links(): Promise<string> {
    return run('nsenter', [`--net=${place}`, '--', 'ip', '-o', 'link']);
  }
});
