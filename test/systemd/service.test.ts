import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderUnit } from '../../supervisor/systemd/unit.ts';
import { Machine } from './machine.ts';

/** Noted in docs/systemd.md; `systemd-analyze security` wants tenths as whole numbers. */
const SECURITY_SCORE = 68;
/** The usual one is 20 s. */
const WATCHDOG_S = 4;
const DONE_MS = 60_000;
const UNIT = '/etc/systemd/system/nibox.service';
const CONFIG = `
uplinks: [{ interface: up0 }]
networkInstances:
  - { name: ni1, port: up0, subnet: 10.10.1.0/24 }
  - { name: ni2, subnet: 10.10.2.0/24 }
`;

const text = renderUnit({
  node: process.execPath,
  nibox: '/opt/nibox/dist/nibox.js',
  config: '/etc/nibox/config.yaml',
  prefix: 'nb',
});

interface Instance {
  name: string;
  state: string;
  manager: { pid: number; state: string };
  dnsmasqPid: number;
  driftRepairs: number;
}

describe('nibox under systemd', () => {
  let machine: Machine;
  let left: string[] | null = null;
  const off = async () => {
    left ??= (await machine?.off()) ?? [];
    return left;
  };

  before(async () => {
    const name = `nb${Array.from({ length: 6 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
    machine = await Machine.boot(name, async root => {
      await cp(resolve('dist'), join(root, 'opt/nibox/dist'), { recursive: true });
      await mkdir(join(root, 'etc/nibox'), { recursive: true });
      await writeFile(join(root, 'etc/nibox/config.yaml'), CONFIG);
      await writeFile(join(root, UNIT), text);
      await mkdir(join(root, `${UNIT}.d`), { recursive: true });
      await writeFile(join(root, `${UNIT}.d/test.conf`), `[Service]\nWatchdogSec=${WATCHDOG_S}s\n`);
      await writeFile(join(root, 'etc/resolv.conf'), '');
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => void off().finally(() => process.exit(1)));
    await did('ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1');
    await did('ip', 'addr', 'add', '192.0.2.2/24', 'dev', 'up0');
    for (const link of ['up0', 'up1']) await did('ip', 'link', 'set', link, 'up');
  });
  after(async () => assert.deepEqual(await off(), []));

  it('has a unit file that systemd finds nothing wrong with', async () => {
    const { code, output } = await machine.run('systemd-analyze', 'verify', UNIT);
    assert.deepEqual({ code, output }, { code: 0, output: '' });
  });

  it('may do no more than its work takes', async () => {
    const threshold = `--threshold=${SECURITY_SCORE}`;
    const { code, output } = await machine.run(
      'systemd-analyze',
      'security',
      '--offline=true',
      '--no-pager',
      threshold,
      UNIT,
    );
    assert.equal(code, 0, output);
  });

  it('is told ready when its first pass has come to its end, and says how it fares', async () => {
    await did('systemctl', 'start', 'nibox');
    const status = await machine.run('systemctl', 'show', '-P', 'StatusText', 'nibox');
    assert.match(status.output, /^2 network instances, /);
    await online();
    await until('the status tells it', async () => /all as configured/.test((await show('StatusText')) ?? ''));
  });

  it('takes nothing that it does for somebody else’s, though its process ids are others than the machine’s', async () => {
    for (const { name, driftRepairs } of await instances()) assert.equal(driftRepairs, 0, name);
  });

  it('tells its children nothing of systemd’s sockets', async () => {
    for (const { manager, dnsmasqPid } of await instances()) {
      for (const pid of [manager.pid, dnsmasqPid]) {
        const { output } = await machine.run('cat', `/proc/${pid}/environ`);
        assert.doesNotMatch(output, /NOTIFY_SOCKET|WATCHDOG/);
      }
    }
  });

  for (const [title, act] of [
    ['a kill -9 of the supervisor', () => signal('KILL')],
    ['a supervisor that hangs, which the watchdog ends', () => signal('STOP')],
    ['a restart', () => did('systemctl', 'restart', 'nibox')],
    [
      'an upgrade of the supervisor',
      async () => {
        // Another program file; the manager's is the same.
        await did('cp', '-r', '/opt/nibox/dist', '/opt/nibox/next');
        await did('mv', '/opt/nibox/dist', '/opt/nibox/old');
        await did('mv', '/opt/nibox/next', '/opt/nibox/dist');
        await did('systemctl', 'restart', 'nibox');
      },
    ],
  ] as const) {
    it(`has managers and services that live through ${title}`, async () => {
      const was = await living();
      const supervisor = await show('MainPID');
      await act();
      await until('another supervisor is in service', async () => {
        return (await show('ActiveState')) === 'active' && !['0', supervisor].includes(await show('MainPID'));
      });
      await online();
      assert.deepEqual(await living(), was);
    });
  }

  it('is not taken for hanging while nothing happens', async () => {
    const supervisor = await show('MainPID');
    await sleep(2.5 * WATCHDOG_S * 1000);
    assert.equal(await show('MainPID'), supervisor);
  });

  it('takes everything away at a stop', async () => {
    const was = await living();
    await did('systemctl', 'stop', 'nibox');
    assert.equal(await show('ActiveState'), 'inactive');
    assert.equal(await show('Result'), 'success');
    for (const pid of Object.values(was).flat())
      assert.notEqual((await machine.run('test', '-e', `/proc/${pid}`)).code, 0);
    assert.equal((await machine.run('ip', 'netns')).output, '');
    assert.equal((await machine.run('ls', '/run/nibox')).output, '');
    assert.doesNotMatch((await machine.run('nft', 'list', 'tables')).output, /nb/);
  });

  async function did(...command: string[]): Promise<void> {
    const { code, output } = await machine.run(...command);
    if (code === 0) return;
    const { output: log } = await machine.run('journalctl', '--no-pager', '-n', '60');
    assert.fail(`${command.join(' ')}: ${output}\n${log}`);
  }

  /** By systemd, which knows whether there is a process: `kill` of pid 0 would meet this test. */
  function signal(name: string): Promise<void> {
    return did('systemctl', 'kill', '--kill-whom=main', '-s', name, 'nibox');
  }

  async function show(property: string): Promise<string> {
    return (await machine.run('systemctl', 'show', '-P', property, 'nibox')).output;
  }

  async function instances(): Promise<Instance[]> {
    const { code, stdout } = await machine.run(process.execPath, '/opt/nibox/dist/nibox.js', 'status', '--json');
    return code === 0 ? (JSON.parse(stdout) as { networkInstances: Instance[] }).networkInstances : [];
  }

  async function online(): Promise<void> {
    await until('all is online', async () => {
      const all = await instances();
      return all.length === 2 && all.every(({ state, manager }) => state === 'online' && manager.state === 'running');
    });
  }

  /** Process ids of what must live on. */
  async function living(): Promise<Record<string, number[]>> {
    return Object.fromEntries((await instances()).map(ni => [ni.name, [ni.manager.pid, ni.dnsmasqPid]]));
  }

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + DONE_MS;
    while (!(await holds())) {
      if (Date.now() > deadline) {
        const { output } = await machine.run('journalctl', '--no-pager', '-n', '60');
        assert.fail(
          `${what}: not within ${DONE_MS / 1000} s\n${JSON.stringify(await instances(), null, 1).slice(0, 3000)}\n${output}`,
        );
      }
      await sleep(200);
    }
  }
});
