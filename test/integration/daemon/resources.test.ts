import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

const MEMORY_MAX = 150;
const OPEN_FILES = 500;
const CONFIG = `
resources: { openFiles: ${OPEN_FILES} }
networkInstances:
  - { name: ni1, subnet: 10.10.1.0/24, resources: { memoryMax: ${MEMORY_MAX} } }
  - { name: ni2, subnet: 10.10.2.0/24 }
`;
/** Run in the NI's namespace: has the manager evaluate something, by the inspector that SIGUSR1 opens in every Node process. */
const EVALUATE = `
const [ws, expression] = process.argv.slice(1);
const { WebSocket } = require(ws);
const find = async () => {
  for (;;) {
    try { return (await (await fetch('http://127.0.0.1:9229/json')).json())[0].webSocketDebuggerUrl; }
    catch { await new Promise(resolve => setTimeout(resolve, 50)); }
  }
};
find().then(url => {
  const socket = new WebSocket(url);
  socket.on('open', () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } })));
  socket.on('message', text => { console.log(String(text)); socket.terminate(); });
});`;

describe('the limits of a manager', () => {
  let device: Device;
  let directory: string;
  tellFailures(() => device);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-resources-'));
    const config = join(directory, 'config.yaml');
    await writeFile(config, CONFIG);
    device = await startDevice(config, { ready: false });
    await online();
  });
  after(async () => {
    await rm(directory, { recursive: true });
    assert.deepEqual(await device?.down(), []);
  });

  it('of file descriptors are in force for it and its services', async () => {
    const { manager, dnsmasqPid } = await device.instance('ni1');
    for (const pid of [manager.pid, dnsmasqPid]) {
      const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
      assert.match(limits, new RegExp(`^Max open files +${OPEN_FILES} +${OPEN_FILES} `, 'm'));
    }
  });

  it('of memory end a manager that leaks, alone, and tell it', async () => {
    const was = { ni1: await device.instance('ni1'), ni2: await device.instance('ni2') };
    await evaluate('ni1', 'globalThis.leak = []; setInterval(() => leak.push(Buffer.alloc(8 << 20, 1)), 50)');
    await until('its manager is another one, in service', async () => {
      const { manager, state } = await device.instance('ni1');
      return manager.pid !== was.ni1.manager.pid && manager.state === 'running' && state === 'online';
    });
    const now = { ni1: await device.instance('ni1'), ni2: await device.instance('ni2') };
    assert.equal(now.ni1.dnsmasqPid, was.ni1.dnsmasqPid, 'its service goes on');
    assert.equal(now.ni2.manager.pid, was.ni2.manager.pid, 'others never notice');
    const { warnings } = (await device.status()) as unknown as { warnings: string[] };
    assert.ok(
      warnings.some(text => text.startsWith('ni1: ended once for its memory')),
      warnings.join('\n'),
    );
    // Where there is no cgroup the supervisor ended it, and knows why.
    if (!warnings.some(text => text.includes('not in force'))) return;
    const death = now.ni1.manager.deaths.at(-1);
    assert.equal(death?.cause, 'memory');
    assert.match(death.detail, new RegExp(`more than its memoryMax of ${MEMORY_MAX}$`));
  });

  async function online(): Promise<void> {
    await until('all is online', async () => {
      const { networkInstances } = await device.status();
      return networkInstances.length === 2 && networkInstances.every(({ state }) => state === 'online');
    });
  }

  async function evaluate(ni: string, expression: string): Promise<void> {
    process.kill((await device.instance(ni)).manager.pid!, 'SIGUSR1');
    const ws = join(process.cwd(), 'node_modules/ws');
    const { code, output } = await device.exec(ni, process.execPath, '-e', EVALUATE, ws, expression);
    assert.equal(code, 0, output);
    assert.match(output, /"result"/, output);
  }
});
