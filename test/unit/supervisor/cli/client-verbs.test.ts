import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { silentLog } from '../../../../shared/log/log.ts';
import { Hub, identifySelf, openWebSocket } from '../../../../shared/pubsub/index.ts';
import { ApiClient } from '../../../../supervisor/api/client.ts';
import type { DaemonControl, ItemReport, ManagerReport, StatusReport } from '../../../../supervisor/api/contract.ts';
import { serveApi } from '../../../../supervisor/api/server.ts';

const items: ItemReport[] = [
  item('address', 'br 10.10.1.1/24', { actual: 'absent', state: 'pending', error: 'waits for link:br' }),
  item('link', 'br', { actual: 'absent', state: 'error', error: 'not supported' }),
  item('link', 'lo', {}),
];

function item(kind: string, id: string, given: Partial<ItemReport>): ItemReport {
  return { kind, id, intended: 'up', actual: 'up', state: 'ok', error: '', since: Date.now(), dependsOn: [], ...given };
}

const manager: ManagerReport = {
  ...{ pid: 7, state: 'running', restarts: 2, uptime: 3700, version: '1+ab', retryAt: 0 },
  causes: { signal: 2 },
  deaths: [{ at: 0, pid: 6, cause: 'signal', detail: 'was ended by SIGKILL', ran: 61_000, log: ['the last words'] }],
};

const report: StatusReport = {
  supervisor: { pid: process.pid, version: '1', state: 'running' },
  networkInstances: [
    {
      ...{
        name: 'ni1',
        type: 'local',
        state: 'online',
        error: 'the uplink is down\nlink:br: not supported',
        namespace: 'nb-ni1',
        number: 1,
      },
      ...{ subnet: '10.10.1.0/24', port: 'eth0', uplink: 'eth0', bridge: 'br', isolation: 'user', transit: null },
      ...{ manager, stale: null, told: 'online', driftRepairs: 0, nftTransactions: 0 },
      ...{ ipBatches: 0, dnsmasqPid: 8, aces: [], itemsInError: [], items, vpn: null, ports: [] },
    },
  ],
  apps: [],
  warnings: [],
};
const orphan = {
  kind: 'link',
  name: 'nb9 in the device',
  why: 'no network instance has it',
  how: 'ip link delete',
} as const;
const asked: string[] = [];
let directory = '';
let server: { close(): Promise<void> };

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nibox-api-'));
  const log = join(directory, 'supervisor.log');
  await writeFile(log, '{"level":30,"time":0,"pid":1,"msg":"one"}\n{"level":40,"time":0,"msg":"two","ni":"ni1"}\nhalf');
  await writeFile(join(directory, 'c.yaml'), '{}');
  const control: DaemonControl = {
    status: () => report,
    flows: () => [],
    apply: async (body, name, { dryRun }) => {
      asked.push(`${body} ${name} ${dryRun}`);
      return { ok: true, issues: [], plan: ['add ni1'], converged: false, problems: [] };
    },
    restart: async () => {
      throw new Error('could not be started');
    },
    startManager: async name => {
      asked.push(`start ${name}`);
    },
    stopManager: async name => {
      asked.push(`stop ${name}`);
    },
    upgrade: async bundle => {
      asked.push(`upgrade ${bundle ?? 'installed'}`);
      const failed = { name: 'ni2', reason: 'exited with 1 with the new code' };
      return { version: '1+cd', replaced: ['ni1'], failed, left: ['ni3'] };
    },
    audit: async ({ fix }) => ({
      by: 'daemon',
      findings: fix ? [] : [orphan],
      removed: fix ? [orphan] : [],
      problems: [],
    }),
    stop: async () => {},
    logFile: () => log,
    target: () => {
      throw new Error('no such target');
    },
    hub: new Hub(),
    identity: identifySelf('test', '1'),
  };
  server = await serveApi({ path: socket(), control, log: silentLog });
});

after(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

const socket = () => join(directory, 'api.sock');
const client = () => new ApiClient({ path: socket(), prefix: 'nb' });

const nibox = (...args: string[]) => niboxIn(directory, ...args);

async function niboxIn(runDirectory: string, ...args: string[]) {
  const child = spawn(process.execPath, [
    '--import',
    'tsx',
    'supervisor/cli/main.ts',
    ...args,
    '--run-dir',
    runDirectory,
  ]);
  const code = new Promise<number | null>(resolve => child.on('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

test('the socket is open to its owner only', async () => {
  assert.equal((await stat(socket())).mode & 0o777, 0o600);
});

test('stop and start with a name are about one manager; upgrade tells where it ended', async () => {
  assert.match((await nibox('stop', 'ni1')).stdout, /ni1: its manager is stopped; `nibox start ni1` starts it again/);
  assert.match((await nibox('start', 'ni1')).stdout, /in service/);
  const { code, stdout } = await nibox('upgrade', '--bundle', '/tmp/m.cjs');
  assert.equal(code, 1);
  assert.match(stdout, /ni1: 1\+cd\nni2: exited with 1 with the new code; it has its old code back\nnot tried.*ni3/);
  assert.deepEqual(asked.splice(-3), ['stop ni1', 'start ni1', 'upgrade /tmp/m.cjs']);
});

test('the status of one network instance tells how its managers died, and their last words', async () => {
  const { stdout } = await nibox('status', 'ni1');
  assert.match(stdout, /1970-01-01T00:00:00.000Z +6 +signal +1m1s +was ended by SIGKILL/);
  assert.match(stdout, /the last words/);
  assert.doesNotMatch((await nibox('status')).stdout, /the last words/);
});

test('a socket that is answered is not taken over', async () => {
  await assert.rejects(serveApi({ path: socket(), control: {} as DaemonControl, log: silentLog }), /another nibox/);
});

test('an unknown network instance is refused with the known ones', async () => {
  await assert.rejects(client().flows('ni/9'), { status: 404, message: /ni\/9/, remedy: 'there are ni1' });
});

test('what the daemon throws comes without a stack', async () => {
  await assert.rejects(client().restart('ni1'), { status: 500, message: 'could not be started' });
});

for (const [method, path, size, status] of [
  ['PUT', '/v1/status', 0, 405],
  ['GET', '/v1/constructor', 0, 404],
  ['GET', '/v1/flows/%ff', 0, 400],
  ['POST', '/v1/apply', 17 * 1024 * 1024, 413],
] as const) {
  test(`${method} ${path} with ${size} bytes is answered ${status}`, async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const asking = request({ socketPath: socket(), method, path, agent: false }, response => {
        response.resume().on('close', () => resolve(response.statusCode));
      });
      let seen = false;
      asking.on('response', () => {
        seen = true;
      });
      asking.on('error', cause => !seen && reject(cause));
      asking.end(Buffer.alloc(size));
    });
    assert.equal(answer, status);
  });
}

test('pubsub is spoken on a WebSocket', async () => {
  const webSocket = new WebSocket(`ws+unix://${socket()}:/v1/pubsub`);
  const first = new Promise(resolve => webSocket.once('message', resolve));
  assert.ok(await openWebSocket(webSocket));
  assert.ok((await first) instanceof Buffer);
  webSocket.terminate();
});

test('status shows a table and the errors in full', async () => {
  const { code, stdout } = await nibox('status');
  assert.equal(code, 0);
  assert.match(stdout, /ni1 +local +online +10\.10\.1\.0\/24 +eth0 +running +7 +2 +1h1m/);
  assert.match(stdout, /ERROR: ni1: the uplink is down\nERROR: ni1: link:br: not supported\n/);
  assert.doesNotMatch(stdout, /waits for/);
});

test('status of one network instance lists its items that are not in order, those in error first', async () => {
  const { stdout } = await nibox('status', 'ni1');
  const rows = stdout.slice(stdout.indexOf('ITEM'), stdout.indexOf('\nMANAGER DIED')).trimEnd().split('\n');
  assert.match(rows[1] ?? '', /^link br +error +\d+s +up +absent +not supported$/);
  assert.match(rows[2] ?? '', /^address br 10\.10\.1\.1\/24 +pending +\d+s +up +absent +waits for link:br$/);
  assert.equal(rows.length, 3);
  const { networkInstances } = JSON.parse((await nibox('status', 'ni1', '--json')).stdout) as StatusReport;
  assert.deepEqual(networkInstances[0]?.items, items);
});

test('logs prints the complete lines, readable', async () => {
  const { stdout } = await nibox('logs', '-n', '1');
  assert.equal(stdout, '1970-01-01T00:00:00.000Z WARN  two ni=ni1\n');
});

test('apply fails while not everything runs, and a dry run does not', async () => {
  const file = join(directory, 'c.yaml');
  assert.equal((await nibox('apply', file)).code, 1);
  assert.equal((await nibox('apply', file, '--dry-run')).code, 0);
  assert.deepEqual(asked, [`{} ${file} false`, `{} ${file} true`]);
});

test('without a daemon a verb ends with 3 and says how to start one', async () => {
  const { code, stderr } = await niboxIn('/nonexistent', 'status');
  assert.equal(code, 3);
  assert.match(stderr, /\/nonexistent\/api\.sock \(prefix nb\)[\s\S]*nibox run --config FILE/);
});

test('audit says what has no owner and how it goes, with 1; with --fix what went, with 0', async () => {
  const found = await nibox('audit');
  assert.equal(found.code, 1);
  assert.match(
    found.stdout,
    /KIND\s+NAME\s+WHY\s+REMOVAL\nlink\s+nb9 in the device\s+no network instance has it\s+ip link delete/,
  );
  const fixed = await nibox('audit', '--fix');
  assert.equal(fixed.code, 0);
  assert.match(fixed.stdout, /Removed 1:\n[\s\S]*Nothing is without an owner/);
});

test('audit that has neither a daemon nor a last good config to go by says so, with 2', async () => {
  const nowhere = join(directory, 'nowhere');
  const { code, stderr } = await niboxIn(nowhere, 'audit', '--state-dir', nowhere);
  assert.equal(code, 2);
  assert.match(stderr, /no daemon answers, and .* holds no config[\s\S]*Remedy: /);
});
