import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import WebSocket from 'ws';
import { type Codec, codecs } from '../../../shared/proto/messages.ts';
import { identifySelf, openWebSocket, Session, topicName } from '../../../shared/pubsub/index.ts';
import { makeCertificates } from '../../unit/shared/config/certificates.ts';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const psk = `psk${randomBytes(12).toString('hex')}`;
const { certificate, privateKey, authority } = makeCertificates();
/** No line of it is in anybody else's key. */
const keyLine = privateKey.split('\n')[1]!;
const secrets = [psk, keyLine, psk.slice(0, 16)];

const config = {
  uplinks: [{ interface: 'eth1', gateway: '192.168.1.1', dns: ['192.168.1.1'] }],
  networkInstances: [
    {
      name: 'branch',
      type: 'vpn',
      port: 'eth1',
      subnet: '10.10.10.0/24',
      vpn: {
        tunnels: [
          { name: 'psk', remoteGateway: '192.168.111.1', psk, remoteSubnet: '192.168.0.0/24' },
          {
            name: 'cert',
            remoteGateway: '192.168.111.9',
            certificate,
            privateKey,
            authorities: [authority],
            remoteSubnet: '192.168.9.0/24',
          },
        ],
      },
    },
  ],
};

describe('the secrets of a VPN', () => {
  let device: Device;
  let directory = '';
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-vpn-'));
    await writeFile(join(directory, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    // Nobody answers its calls, so it gets never ready.
    device = await startDevice(join(directory, 'config.json'), { ready: false });
    await until('the tunnels are worked on', async () => {
      const tunnels = (await device.instance('branch')).vpn?.tunnels ?? [];
      return tunnels.length === 2 && tunnels.every(({ state }) => state !== 'init');
    });
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(await device?.down(), []);
  });

  const leaks = (text: string | Buffer) => secrets.filter(secret => text.includes(secret));

  it('are in no output of the command line', async () => {
    const wrong = join(directory, 'wrong.json');
    await writeFile(wrong, JSON.stringify(config).replace('"psk":', '"pks":'));
    for (const args of [
      ['status', '--json'],
      ['status'],
      ['status', 'branch'],
      ['logs', 'branch'],
      ['logs'],
      ['validate', wrong],
      ['apply', wrong],
      ['apply', '--dry-run', join(directory, 'config.json')],
    ]) {
      const { output } = await device.run(...args);
      assert.notEqual(output, '');
      assert.deepEqual(leaks(output), [], args.join(' '));
    }
  });

  it('are in no command line and environment of any process', async () => {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
    let seen = 0;
    for (const pid of pids) {
      for (const file of ['cmdline', 'environ']) {
        const content = await readFile(`/proc/${pid}/${file}`).catch(() => null);
        if (!content) continue;
        seen++;
        assert.deepEqual(leaks(content), [], `/proc/${pid}/${file}`);
      }
    }
    assert.notEqual(seen, 0);
  });

  it('are in one file, which nobody else can read', async () => {
    const found: string[] = [];
    const search = async (path: string): Promise<void> => {
      const entries = await readdir(path, { withFileTypes: true });
      for (const entry of entries) {
        const here = join(path, entry.name);
        if (entry.isDirectory()) await search(here);
        // Bind-mounted namespaces look like files.
        else if (entry.isFile() && leaks(await readFile(here).catch(() => '')).length > 0) found.push(here);
      }
    };
    for (const top of [`/run/nibox/${device.prefix}`, device.world.runDirectory]) await search(top);
    const lastGood = join(device.world.runDirectory, 'nibox-state', 'config.last-good');
    assert.deepEqual([...new Set(found)].sort(), [lastGood, `${lastGood}.bak`]);
    assert.equal((await stat(lastGood)).mode & 0o777, 0o600);
  });

  it('are told to no client of the API', async () => {
    const session = new Session({
      connect: () => openWebSocket(new WebSocket(`ws+unix:/run/nibox/${device.prefix}/api.sock:/v1/pubsub`)),
      identity: identifySelf('test', '1'),
    });
    try {
      const subscribe = <T>(codec: Codec<T>) =>
        ['supervisor', 'manager'].map(agent => ({
          codec: codec as Codec<unknown>,
          subscription: session.subscribe(topicName(agent, 'branch', codec.messageType), codec, {}),
        }));
      const all = Object.values(codecs).flatMap(codec => subscribe(codec as Codec<unknown>));
      session.start();
      const told = (type: string) =>
        all.filter(({ codec }) => codec.messageType === type).flatMap(one => [...one.subscription.entries.values()]);
      await until('what may be told is told', async () => {
        return ['NetworkInstanceConfig', 'UplinkStatus', 'VpnStatus'].every(type => told(type).length > 0);
      });
      assert.deepEqual(told('VpnCredentials'), []);
      for (const { codec, subscription } of all) {
        for (const value of subscription.entries.values()) {
          assert.deepEqual(leaks(Buffer.from(codec.encode(value))), [], subscription.topic);
        }
      }
    } finally {
      session.close();
    }
  });
});
