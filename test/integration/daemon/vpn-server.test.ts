import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const HEALED_MS = 60_000;

/** Two VPN network instances of one device on two uplinks: one calls, the other is called, both behind NAT twice. */
const config = `
uplinks:
  - { interface: eth1, gateway: 192.168.1.1, dns: [192.168.1.1] }
  - { interface: eth2, gateway: 192.168.2.1, dns: [192.168.2.1] }
networkInstances:
  - name: branch
    type: vpn
    port: eth1
    subnet: 10.10.10.0/24
    vpn:
      localBreakout: true
      remoteGateway: 192.168.2.2
      remoteId: hub.example
      psk: between-the-two
      remoteSubnet: 10.20.0.0/24
  - name: hub
    type: vpn
    port: eth2
    subnet: 10.20.0.0/24
    vpn:
      role: server
      localId: hub.example
      psk: between-the-two
      remoteSubnet: 10.10.10.0/24
apps:
  - name: app4
    interfaces:
      - networkInstance: branch
        acl: [{ id: 1, protocol: tcp, fport: 80 }]
  - name: app5
    interfaces:
      - networkInstance: hub
        acl: [{ id: 1, ip: 10.10.10.0/24, protocol: tcp, lport: 80 }, { id: 2, protocol: tcp, fport: 80 }]
`;

describe('a VPN network instance that is called', () => {
  let device: Device;
  let directory = '';
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-vpn-'));
    await writeFile(join(directory, 'two.yaml'), config, { mode: 0o600 });
    device = await startDevice(join(directory, 'two.yaml'));
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(await device?.down(), []);
  });

  const state = async (ni: string) => (await device.instance(ni)).vpn?.tunnels[0]?.state;
  const untilUp = () =>
    until('both ends are up', async () => (await state('branch')) === 'up' && (await state('hub')) === 'up', HEALED_MS);
  const fetch = (app: string, url: string, ...args: string[]) =>
    device.world.exec(app, 'curl', ['-sS', '--connect-timeout', '2', ...args, url]);
  const addressOf = async (app: string) => (await device.world.lease(app, 'eth0'))!.address;

  it('takes the call, and apps reach each other as their ACLs say, by their own addresses', async () => {
    await untilUp();
    const [app4, app5] = await Promise.all([addressOf('app4'), addressOf('app5')]);
    assert.equal((await fetch('app4', `http://${app5}/`)).stdout.trim(), 'app5');
    assert.equal((await fetch('app5', `http://${app4}/`)).stdout.trim(), 'app4');
    const { stdout } = await device.world.exec('hub', 'conntrack', ['-L', '-p', 'tcp', '--src', app4]);
    assert.match(stdout, new RegExp(`src=${app4} dst=${app5} .*src=${app5} dst=${app4}`), 'untranslated');
    assert.notEqual((await fetch('app4', `http://${app5}:81/`)).exitCode, 0, 'app5 lets in port 80 alone');
    const ping = await device.world.exec('app4', 'ping', ['-c', '1', '-W', '1', app5]);
    assert.notEqual(ping.exitCode, 0, 'app4 may open TCP to port 80 alone');
  });

  it('fits big segments and a download through the tunnel', async () => {
    const { stdout, exitCode } = await fetch(
      'app4',
      `http://${await addressOf('app5')}/own`,
      '-o',
      '/dev/null',
      '-w',
      '%{size_download}',
    );
    assert.deepEqual({ exitCode, size: Number(stdout) }, { exitCode: 0, size: 8 * 1024 * 1024 });
  });

  it('answers pings of its gateway address through the tunnel', async () => {
    const { exitCode, stderr } = await device.world.exec('branch', 'ping', [
      ...['-c', '1', '-W', '3', '-I', '10.10.10.1', '10.20.0.1'],
    ]);
    assert.equal(exitCode, 0, stderr);
  });

  it('lets out what no tunnel is for only where the config says so, and records what it drops', async () => {
    const github = ['--resolve', 'github.com:80:198.51.100.10'];
    assert.equal((await fetch('app4', 'http://github.com/', ...github)).stdout.trim(), 'github.com');
    assert.notEqual((await fetch('app5', 'http://github.com/', ...github)).exitCode, 0);
    await until('the drop is in the flow log', async () => {
      const flows = (await device.nibox(['flows', 'hub'])) as { action: string; destination: string }[];
      return flows.some(({ action, destination }) => action === 'drop' && destination === '198.51.100.10');
    });
  });

  it('is called again after its charon was killed', async () => {
    await untilUp();
    const { charonPid } = (await device.instance('hub')).vpn!;
    process.kill(charonPid, 'SIGKILL');
    await until('another charon runs', async () => {
      const now = (await device.instance('hub')).vpn!.charonPid;
      return now !== 0 && now !== charonPid;
    });
    await untilUp();
    await until(
      'traffic goes again',
      async () => {
        return (await fetch('app4', `http://${await addressOf('app5')}/`)).stdout.trim() === 'app5';
      },
      HEALED_MS,
    );
  });

  it('keeps its tunnels when the supervisor is killed', async () => {
    await untilUp();
    const spis = async () => (await device.instance('branch')).vpn!.tunnels[0]!.children.map(({ spiIn }) => spiIn);
    const before = await spis();
    await device.restartSupervisor();
    await untilUp();
    assert.deepEqual(await spis(), before);
  });
});
