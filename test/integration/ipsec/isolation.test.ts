import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enterCommand } from '../../../supervisor/namespaces/enter.ts';
import { credentials, server, tunnel } from '../../unit/netns-manager/ipsec/fixtures.ts';
import type { Agent } from './agent.ts';
import { gatewayAddress, NI_ADDRESS, until, VpnWorld } from './world.ts';

/** An unprivileged range, beyond those of NIs. */
const UID = 3_100_000_000;

let world: VpnWorld;
let gateway: Agent;

before(async () => {
  world = await VpnWorld.create(1);
  gateway = world.agent('gw1');
  await gateway.apply([server()], [credentials()], gatewayAddress(1));
  chmodSync(world.directory, 0o755);
});
after(() => world?.close());

/** A mount namespace of its own, as the supervisor gives a manager, with a TUN node of that mode. */
function withTun(name: string, command: string[], mode = '0666'): string[] {
  const mount = join(world.directory, `${name}-tun`);
  mkdirSync(mount);
  const script = `mount --make-rprivate / && mount -t tmpfs -o dev none ${mount} && mknod -m ${mode} ${mount}/tun c 10 200 &&
    mount --bind ${mount}/tun /dev/net/tun && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-ec', script, 'sh', ...command];
}

/** A directory that belongs to an unprivileged user. */
function ownDirectory(name: string): void {
  mkdirSync(join(world.directory, name), { recursive: true, mode: 0o700 });
  chownSync(join(world.directory, name), UID, UID);
}

async function isUp(agent: Agent): Promise<void> {
  const state = async () => `${JSON.stringify(await agent.status(), null, 1)}\n${agent.logs}`;
  await until('up', async () => (await agent.tunnel('office')).state === 'up', { state });
}

function uidOf(pid: number): string {
  return /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!;
}

test('charon works in a user namespace whose root is nobody outside', async () => {
  const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--user', '--net', 'sleep', '600']);
  world.own(holder);
  const { pid } = holder;
  await until('the namespaces', () => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep');
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, `0 ${UID} 65536\n`);
  await world.ip('nat', `link add name inner type veth peer name uplink netns ${pid}`);
  await world.ip('nat', 'addr add 169.254.65.1/30 dev inner', 'link set dev inner up');
  const place = { netPath: `/proc/${pid}/ns/net`, userPath: `/proc/${pid}/ns/user` };
  const [file, ...args] = enterCommand(place, ['ip', '-batch', '-']);
  const links = [
    'link set dev lo up',
    'addr add 10.10.10.1/24 dev lo',
    'addr add 169.254.65.2/30 dev uplink',
    'link set dev uplink up',
    'route add default via 169.254.65.1',
  ];
  const batch = spawn(file!, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  batch.stdin!.end(`${links.join('\n')}\n`);
  assert.equal(await new Promise(resolve => batch.once('exit', resolve)), 0);

  ownDirectory('inner');
  const agent = world.agent('inner', withTun('inner', enterCommand(place, [])));
  assert.equal(await agent.apply([tunnel()], [credentials()], '169.254.65.2'), 'started');
  await isUp(agent);
  const { charonPid } = await agent.status();
  assert.equal(uidOf(charonPid), String(UID));
  assert.equal(readlinkSync(`/proc/${charonPid}/ns/user`), readlinkSync(place.userPath));
  await agent.stop();
});

test('charon works with a few capabilities and without a user namespace', async () => {
  ownDirectory('ni');
  const place = { netPath: `/run/netns/${world.name('ni')}`, uid: UID };
  const agent = world.agent('ni', withTun('ni', enterCommand(place, [])));
  assert.equal(await agent.apply([tunnel()], [credentials()], NI_ADDRESS), 'started');
  await isUp(agent);
  assert.equal(uidOf((await agent.status()).charonPid), String(UID));
  await agent.stop();
  await agent.kill();
});

test('user-space IPsec without a TUN device says what is missing, and tries again', async () => {
  ownDirectory('ni');
  const place = { netPath: `/run/netns/${world.name('ni')}`, uid: UID };
  const agent = world.agent('ni', withTun('closed', enterCommand(place, []), '0600'));
  const words =
    /^user-space IPsec needs \/dev\/net\/tun, which can't be opened \(EACCES\): make .* readable and writable/;
  await assert.rejects(agent.apply([tunnel()], [credentials()], NI_ADDRESS), { message: words });
  assert.match((await agent.status()).error, words);
  assert.equal((await agent.tunnel('office')).state, 'down');
  await until('it has tried again', async () =>
    /keeps ending.*user-space IPsec needs/.test((await agent.status()).error),
  );
  await agent.stop();
});
