import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { identifyProcess } from '../../../shared/kernel/process-identity.ts';
import { run } from '../../../shared/kernel/run.ts';
import { until } from './ni-world.ts';

/** An unprivileged range, beyond those of NIs. */
const UID = 3_000_000_000;

let directory: string;
let bundle: string;
let holder: ChildProcess;
const managers: ChildProcess[] = [];
const daemons = new Set<number>();

function cleanUp(): void {
  for (const pid of [...managers.map(({ pid = 0 }) => pid), ...daemons, holder?.pid ?? 0]) {
    if (pid > 0 && identifyProcess(pid)) process.kill(pid, 'SIGKILL');
  }
  rmSync(directory, { recursive: true, force: true });
}
function onSignal(): void {
  cleanUp();
  process.exit(130);
}

before(async () => {
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  directory = mkdtempSync(join(tmpdir(), 'takeover-'));
  bundle = join(directory, 'manager.cjs');
  const entry = join(import.meta.dirname, 'manager.ts');
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  chownSync(directory, UID, UID);
  chmodSync(bundle, 0o644);
  holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--user', '--net', 'sleep', 'infinity'], {
    stdio: 'ignore',
  });
  await until('the namespaces', async () => (await run('cat', [`/proc/${holder.pid}/comm`])).trim() === 'sleep');
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${holder.pid}/${map}`, `0 ${UID} 65536\n`);
  const lines = [
    'link set dev lo up',
    'link add name br type bridge',
    'link set dev br up',
    'addr add 10.10.1.1/24 dev br',
  ];
  await run('nsenter', inside('ip', '-batch', '-'), { input: `${lines.join('\n')}\n` });
});
after(() => {
  cleanUp();
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
});

function inside(...command: string[]): string[] {
  const target = String(holder.pid);
  return ['--target', target, '--user', '--net', '--setuid', '0', '--setgid', '0', '--', ...command];
}

interface Said {
  adopted: boolean;
  result: string;
  pid: number;
  uid: number;
}

async function startManager(): Promise<{ manager: ChildProcess; said: Said }> {
  const manager = spawn('nsenter', inside(process.execPath, bundle, directory), {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a process group of its own, as the supervisor gives it
  });
  managers.push(manager);
  assert.ok(manager.stdout);
  const [line] = await once(manager.stdout, 'data');
  const said = JSON.parse(String(line)) as Said;
  if (said.pid) daemons.add(said.pid);
  return { manager, said };
}

test('dnsmasq runs in a user namespace, survives kill -9 of its manager’s process group, and the next one takes it over', async () => {
  const first = await startManager();
  assert.deepEqual(first.said, { adopted: false, result: 'started', pid: first.said.pid, uid: 0 });
  assert.equal(statSync(`/proc/${first.said.pid}`).uid, UID, 'an unprivileged process of the host');
  const identity = identifyProcess(first.said.pid);

  process.kill(-(first.manager.pid ?? 0), 'SIGKILL'); // the whole process group
  await once(first.manager, 'exit');
  const second = await startManager();
  assert.deepEqual(second.said, { adopted: true, result: 'unchanged', pid: first.said.pid, uid: 0 });
  assert.deepEqual(identifyProcess(first.said.pid), identity, 'not restarted');
  assert.match(readFileSync(join(directory, 'dnsmasq.log'), 'utf8'), /started, version/);

  second.manager.kill('SIGTERM');
  await once(second.manager, 'exit');
  assert.equal(identifyProcess(first.said.pid), null);
});
