import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { NiWorld, until } from '../dhcp/ni-world.ts';

let world: NiWorld;

before(async () => {
  world = await NiWorld.create(1);
  await world.ip('app1', 'addr add 10.10.1.2/24 dev eth0', 'route add default via 10.10.1.1');
});
after(() => world?.close());

function ask(path: string): Promise<string> {
  return world.exec('app1', 'curl', '-sf', '-m', '3', `http://169.254.169.254${path}`);
}

test('it waits for its address on the bridge, serves apps there, and survives a new bridge', async () => {
  await world.ip('ni', 'addr del 169.254.169.254/32 dev br');
  const fixture = join(import.meta.dirname, 'serve.ts');
  const args = ['netns', 'exec', world.name('ni'), process.execPath, '--import', 'tsx', fixture];
  const server = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  server.stdout.on('data', chunk => (said += chunk));
  try {
    await until('the server waits', () => said.includes('can not listen yet'), 30_000);
    await assert.rejects(ask('/eve/v1/hostname'));
    await world.ip('ni', 'addr add 169.254.169.254/32 dev br');
    await until('the server listens', () => said.includes('listens'));
    const network = JSON.parse(await ask('/eve/v1/network.json'));
    assert.match(network['caller-ip'], /^10\.10\.1\.2:\d+$/);
    assert.equal(network['external-ipv4'], '192.168.0.2');
    assert.equal(network.hostname, 'uuid-of-10.10.1.2');
    await world.ip('ni', 'link del dev br');
    await world.makeBridge();
    await world.ip('ni', 'link set dev v1 master br');
    await until('an answer on the new bridge', async () => (await ask('/eve/v1/hostname').catch(() => '')) !== '');
  } finally {
    server.kill('SIGKILL');
  }
});
