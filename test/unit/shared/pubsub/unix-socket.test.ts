import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  connectUnix,
  Hub,
  type Listener,
  type ListenOptions,
  listenUnix,
  Session,
} from '../../../../shared/pubsub/index.ts';
import { HELLO, identity, publication, TOPIC, textCodec } from './support.ts';

function socketPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-sock-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'manager.sock');
}

/** Closed after the test, whatever came of it. */
async function serve(t: TestContext, options: ListenOptions): Promise<Listener> {
  const listener = await listenUnix(options);
  t.after(() => listener.close());
  return listener;
}

function dial(t: TestContext, path: string): Session {
  const session = new Session({
    connect: () => connectUnix(path),
    identity: identity('sub'),
    backoff: { firstMs: 5, maxMs: 20 },
  });
  t.after(() => session.close());
  return session;
}

/** Held after all garbage is gone. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (condition()) return;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  assert.fail(`never came true: ${condition}`);
}

/** Leaves a socket file that nobody listens on, as a killed process does. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await promisify(execFile)(process.execPath, ['-e', script]).catch(() => {});
  assert.ok(lstatSync(path).isSocket());
}

describe('a Unix socket', () => {
  test('has its mode before anybody can find it, carries pubsub both ways, and is gone after close', async t => {
    const path = socketPath(t);
    const hub = new Hub();
    const pub = publication();
    for (let i = 0; i < 3000; i++) pub.set(`key-${i}`, 'x'.repeat(150));
    hub.add(pub);
    const agents: string[] = [];
    const listener = await serve(t, {
      path,
      hub,
      identity: identity('pub'),
      mode: 0o620,
      onPeer: peer => void agents.push(peer.hello!.agent),
    });
    assert.equal(lstatSync(path).mode & 0o777, 0o620);
    assert.deepEqual(readdirSync(join(path, '..')), ['manager.sock'], 'and nothing else is left there');
    const session = dial(t, path);
    const subscription = session.subscribe(TOPIC, textCodec, {});
    session.start();
    await until(() => subscription.synchronized);
    assert.equal(subscription.entries.size, 3000);
    pub.set('key-0', 'changed');
    await until(() => subscription.entries.get('key-0') === 'changed');
    assert.deepEqual(agents, ['sub']);
    assert.equal(listener.peers.size, 1);
    pub.set('key-1', 'last words');
    await listener.close();
    assert.ok(!existsSync(path));
    await until(() => subscription.stale);
    assert.equal(subscription.entries.get('key-1'), 'last words');
    session.close();
  });

  test('is closed to others unless asked for', async t => {
    const path = socketPath(t);
    const listener = await serve(t, { path, hub: new Hub(), identity: identity('pub') });
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
    await listener.close();
  });

  test('belongs to whom it should', { skip: process.getuid?.() !== 0 && 'needs root' }, async t => {
    const path = socketPath(t);
    const listener = await serve(t, { path, hub: new Hub(), identity: identity('pub'), uid: 12345, gid: 54321 });
    const { uid, gid } = lstatSync(path);
    assert.deepEqual([uid, gid], [12345, 54321]);
    await listener.close();
  });

  test('is prepared where only its maker can write, when asked for: nothing but the socket ever is in its directory', async t => {
    const path = socketPath(t);
    const staging = join(path, '..', 'staging');
    mkdirSync(staging);
    const seen = new Set<string | null>();
    const watcher = watch(join(path, '..'), (_event, name) => seen.add(name));
    t.after(() => watcher.close());
    const listener = await serve(t, { path, staging, hub: new Hub(), identity: identity('pub') });
    await until(() => seen.has('manager.sock'));
    assert.deepEqual(
      [...seen].filter(name => name !== 'staging'),
      ['manager.sock'],
    );
    assert.deepEqual(readdirSync(staging), []);
    await listener.close();
  });

  test('takes the place of one that nobody answers on', async t => {
    const path = socketPath(t);
    await leaveStaleSocket(path);
    const listener = await serve(t, { path, hub: new Hub(), identity: identity('pub') });
    const wire = await connectUnix(path);
    wire.attach({ onBytes() {}, onDrain() {}, onClose() {} });
    wire.destroy();
    await listener.close();
    assert.ok(!existsSync(path));
  });

  test('is refused where somebody answers, where there is no socket, and where the path is too long', async t => {
    const path = socketPath(t);
    const first = await serve(t, { path, hub: new Hub(), identity: identity('pub') });
    const options = { hub: new Hub(), identity: identity('pub') };
    await assert.rejects(listenUnix({ ...options, path }), { code: 'ERR_ADDRESS_IN_USE' });
    assert.ok(existsSync(path), 'the first one is not disturbed');
    await first.close();
    writeFileSync(path, 'a file');
    await assert.rejects(listenUnix({ ...options, path }), { code: 'ERR_BAD_PATH' });
    const long = join(path, '..', 'x'.repeat(100));
    await assert.rejects(listenUnix({ ...options, path: long }), { code: 'ERR_BAD_PATH' });
    assert.deepEqual(readdirSync(join(path, '..')), ['manager.sock']);
  });

  test('that another process has replaced is not removed by close', async t => {
    const path = socketPath(t);
    const old = await serve(t, { path, hub: new Hub(), identity: identity('pub') });
    rmSync(path);
    const other = createServer().listen(path);
    await until(() => existsSync(path));
    await old.close();
    assert.ok(existsSync(path));
    await new Promise(resolve => other.close(resolve));
  });

  test('takes no more connections than it should', async t => {
    const path = socketPath(t);
    const listener = await serve(t, { path, hub: new Hub(), identity: identity('pub'), maxConnections: 3 });
    const sockets = Array.from({ length: 6 }, () => connect(path));
    let closed = 0;
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('data', () => {});
      socket.on('close', () => closed++);
    }
    await until(() => closed === 3 && listener.peers.size === 3);
    for (const socket of sockets) socket.destroy();
    await listener.close();
  });

  test('serves others while one sends nonsense and one does not read', async t => {
    const path = socketPath(t);
    const hub = new Hub();
    const pub = publication();
    hub.add(pub);
    await serve(t, { path, hub, identity: identity('pub') });
    const deaf = connect(path).pause();
    t.after(() => deaf.destroy());
    deaf.write(HELLO);
    const { encodeFrame } = await import('../../../../shared/pubsub/frame-writer.ts');
    deaf.write(encodeFrame({ type: 2, topic: TOPIC }));
    const nonsense = connect(path);
    let answer = '';
    nonsense.on('data', bytes => (answer += bytes.toString('latin1')));
    nonsense.write(Buffer.alloc(100_000, 0xff));
    const session = dial(t, path);
    const subscription = session.subscribe(TOPIC, textCodec, {});
    session.start();
    await until(() => subscription.synchronized && nonsense.closed);
    assert.match(answer, /ERR_FRAME_TOO_BIG/);
    const before = heldBytes();
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 200; i++) pub.set(`key-${i}`, `${round}-${'x'.repeat(2000)}`);
      await new Promise(resolve => setImmediate(resolve));
    }
    await until(() => subscription.entries.get('key-199')?.startsWith('49-') === true);
    // 20 MB went by. Of the deaf one's share at most the last values, what it was sent last, and a full wire are held.
    // Freed memory is counted off in the background, so look again before complaining.
    let held = 0;
    for (let i = 0; i < 50; i++) {
      held = heldBytes() - before;
      if (held < 5 * 1024 * 1024) return;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    assert.fail(`${held} bytes are held`);
  });

  test('comes and goes, and the session finds it each time', async t => {
    const path = socketPath(t);
    const pub = publication();
    const hub = new Hub();
    hub.add(pub);
    const session = dial(t, path);
    const subscription = session.subscribe(TOPIC, textCodec, {});
    session.start();
    for (let round = 0; round < 3; round++) {
      pub.set('round', String(round));
      const listener = await serve(t, { path, hub, identity: identity('pub') });
      await until(() => subscription.synchronized && subscription.entries.get('round') === String(round));
      await listener.close();
      await until(() => subscription.stale);
    }
    session.close();
  });

  test('and its session leave nothing behind that keeps a process alive', async t => {
    const path = socketPath(t);
    const script = `
      import { acceptWire, connectUnix, Hub, identifySelf, listenUnix, Publication, Session } from './shared/pubsub/index.ts';
      import { codecs } from './shared/proto/messages.ts';
      const self = identifySelf('a', '1');
      const hub = new Hub();
      const pub = new Publication({ agent: 'a', scope: 'b', codec: codecs.DnsRequest });
      hub.add(pub);
      const listener = await listenUnix({ path: ${JSON.stringify(path)}, hub, identity: self });
      const session = new Session({ connect: () => connectUnix(listener.path), identity: self, hub });
      const lost = new Session({ connect: () => connectUnix('/nowhere'), identity: self });
      lost.start();
      session.subscribe(pub.topic, codecs.DnsRequest, {
        synchronized: async () => {
          pub.set('a', { hostName: 'x', addresses: [], time: 0, client: '' });
          session.close();
          lost.close();
          await listener.close();
          setTimeout(() => { console.log('late', process.getActiveResourcesInfo().join()); process.exit(1); }, 1500).unref();
        },
      });
      session.start();
      process.on('exit', code => console.log('exit', code));
    `;
    const root = join(import.meta.dirname, '../../../..');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      { cwd: root, timeout: 30_000 },
    );
    assert.equal(stdout.trim(), 'exit 0');
  });
});
