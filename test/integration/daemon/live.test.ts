import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { FlowReport, NiboxStatus } from '../../conformance/index.ts';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

describe('what the command line shows as it moves', () => {
  let device: Device;
  const running: ChildProcess[] = [];
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    assert.deepEqual(await device?.down(), []);
  });

  /** A verb that goes on, and what it has printed so far. */
  function start(file: string, ...args: string[]) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    let printed = '';
    child.stdout.on('data', chunk => {
      printed += chunk;
    });
    return {
      child,
      printed: () => printed,
      lines: <T>() =>
        printed
          .split('\n')
          .slice(0, -1)
          .map(line => JSON.parse(line) as T),
    };
  }
  const nibox = (...args: string[]) => start(process.execPath, 'dist/nibox.js', ...args, '--prefix', device.prefix);
  const shows = (watch: { printed(): string }, what: RegExp) =>
    until(`${what} in ${watch.printed().slice(-2000)}`, async () => what.test(watch.printed()), 30_000);

  it('status --watch shows a manager that ends and comes back, a daemon that goes and comes back, and ends with Ctrl-C', async () => {
    const watch = nibox('status', '--watch');
    await shows(watch, /^ni1 +local +online .* running +\d+ +0 +\S+$/m);
    process.kill((await device.instance('ni1')).manager.pid!, 'SIGKILL');
    await shows(watch, /^ni1 +local +\w+ .* running +\d+ +1 +\S+$/m);
    const before = watch.printed().length;
    await device.restartSupervisor();
    await until('it went', async () => /not running.*; waiting for it/.test(watch.printed().slice(before)), 30_000);
    await until(
      'it came back',
      async () => /waiting for it\n[\s\S]*^ni1 +local +online/m.test(watch.printed()),
      30_000,
    );
    watch.child.kill('SIGINT');
    assert.deepEqual(await once(watch.child, 'exit'), [null, 'SIGINT']);
  });

  it('status --watch prints nothing while nothing changes, and says when an app’s address changes', async () => {
    const watch = nibox('status', 'ni3', '--watch', '--json');
    await until('the first line', async () => watch.lines().length > 0, 30_000);
    let quiet = 0;
    await until(
      'it is quiet',
      async () => {
        const seen = watch.lines().length;
        await new Promise(done => setTimeout(done, 1_500));
        quiet = watch.lines().length;
        return quiet === seen;
      },
      30_000,
    );
    // That another network instance changes is nothing of this one.
    process.kill((await device.instance('ni1')).manager.pid!, 'SIGKILL');
    await new Promise(done => setTimeout(done, 3_000));
    assert.equal(watch.lines().length, quiet, watch.printed());
    await device.world.exec('app3', 'ip', ['link', 'del', 'eth0']);
    const states = () => watch.lines<NiboxStatus>().map(({ apps }) => apps[0]?.interfaces[0]?.state);
    await until('app3 was away', async () => states().some(state => state !== 'online'), 30_000);
    await until('app3 is back', async () => states().at(-1) === 'online', 30_000);
    watch.child.kill();
  });

  it('status --watch draws over what it drew on a terminal', async () => {
    const command = `${process.execPath} dist/nibox.js status --watch --prefix ${device.prefix}`;
    const watch = start('script', '-qec', command, '/dev/null');
    // Home, each line erased to its end, all below erased.
    const drawn = () => watch.printed().replaceAll('\r', '').replaceAll('\u001b', '<esc>');
    await until('the table', async () => /^<esc>\[Hnibox .*<esc>\[K\n[\s\S]*<esc>\[J$/.test(drawn()), 30_000);
    watch.child.kill();
  });

  it('flows -f prints what is in the log and then each flow, once', async () => {
    const follow = nibox('flows', 'ni1', '-f', '--json');
    const table = nibox('flows', 'ni1', '--follow');
    await shows(table, /^START +APP/);
    for (const port of [4001, 4002]) {
      await device.world.exec('app1', 'curl', [
        '-s',
        '--connect-timeout',
        '1',
        '--interface',
        'eth0',
        `198.51.100.20:${port}`,
      ]);
      await shows(table, new RegExp(`app1 +default +drop +out +tcp +\\S+ +198\\.51\\.100\\.20:${port}`));
    }
    const ports = () => follow.lines<FlowReport>().map(flow => flow.destinationPort);
    await until('the other one has them too', async () => ports().includes(4001) && ports().includes(4002));
    const lines = follow.lines<FlowReport>().map(flow => JSON.stringify(flow));
    assert.equal(new Set(lines).size, lines.length, 'none is there twice');
    follow.child.kill();
    table.child.kill();
  });

  it('a network instance that does not exist is refused at once', async () => {
    for (const args of [
      ['status', 'ni9', '--watch'],
      ['flows', 'ni9', '-f'],
    ]) {
      const { code, output } = await device.run(...args);
      assert.equal(code, 1);
      assert.match(output, /no network instance ni9[\s\S]*Remedy: there are ni1/);
    }
  });
});
