import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { AuditReport } from '../../../supervisor/audit/audit.ts';
import { type Device, startDevice, until } from './device.ts';
import { type Orphan, type Planted, plantOrphans } from './plant-orphans.ts';
import { tellFailures } from './tell-failures.ts';

describe('nibox audit', () => {
  let device: Device;
  const planted: Planted[] = [];
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    for (const { children } of planted) for (const child of children) child.kill('SIGKILL');
    assert.deepEqual(await device?.down(), []);
  });

  it('finds nothing where all is in order, with the daemon and without it', async () => {
    await until('the restarted managers are settled', async () => (await audit()).code === 0);
    process.kill((await device.status()).supervisor.pid, 'SIGKILL');
    await until('the supervisor is gone', async () => !(await device.world.supervisor()));
    const { code, report } = await audit();
    assert.deepEqual({ code, ...report }, { code: 0, by: 'config', findings: [], removed: [], problems: [] });
  });

  it('finds one of each kind without a daemon, removes them all and nothing that is owned', async () => {
    const before = await owned();
    planted.push(await plantOrphans(device));
    const { orphans } = planted[0]!;
    await until('all are found', async () => missing(orphans, (await audit()).report).length === 0).catch(async () => {
      assert.deepEqual(missing(orphans, (await audit()).report), []);
    });
    const found = await audit();
    assert.equal(found.code, 1);
    assert.deepEqual(strange(orphans, found.report), [], 'nothing that is owned');
    const fixed = await audit('--fix');
    assert.deepEqual(
      { code: fixed.code, left: fixed.report.findings, problems: fixed.report.problems },
      { code: 0, left: [], problems: [] },
    );
    assert.deepEqual(missing(orphans, { findings: fixed.report.removed }), []);
    assert.deepEqual(await owned(), before);
  });

  it('removes what it finds at the start, and says so in its log', async () => {
    const before = await owned();
    planted.push(await plantOrphans(device));
    const { orphans } = planted[1]!;
    await until('all are found', async () => missing(orphans, (await audit()).report).length === 0);
    await device.startSupervisor();
    await until('a clean audit by the daemon', async () => {
      const { code, report } = await audit();
      return code === 0 && report.by === 'daemon';
    });
    assert.deepEqual(await owned(), before, 'what was adopted is as it was');
    const { output } = await device.run('logs', '-n', '200');
    assert.match(output, /orphan removed: namespace .*ns\/gone|network instance gone removed/);
    assert.match(output, /orphan removed: code .*0123456789abcdef/);
    assert.match(output, /orphan removed: process /);
  });

  it('finds and removes them while the daemon runs, beside what its drift repair takes away by itself', async () => {
    const before = await owned();
    planted.push(await plantOrphans(device));
    const { children } = planted[2]!;
    await until('the processes are found', async () => {
      const { report } = await audit();
      return report.findings.filter(({ kind }) => kind === 'process').length === children.length;
    });
    const fixed = await audit('--fix');
    assert.deepEqual({ code: fixed.code, left: fixed.report.findings }, { code: 0, left: [] });
    for (const child of children)
      assert.ok(child.exitCode !== null || child.signalCode !== null, `${child.pid} has ended`);
    await until('all is as it was', async () => {
      assert.deepEqual(await owned(), before);
      return true;
    });
  });

  /** In the device's namespace, as somebody there would. */
  async function audit(...flags: string[]): Promise<{ code: number; report: AuditReport }> {
    const state = `${device.world.runDirectory}/nibox-state`;
    const cli = [process.execPath, resolve('dist/nibox.js'), 'audit', '--json', '--prefix', device.prefix];
    const args = ['netns', 'exec', `${device.prefix}-device`, ...cli, '--state-dir', state, ...flags];
    // Not `ip netns exec`: it would give the command a mount namespace of its own, and unmounting there changes nothing outside.
    const [, , name = '', ...command] = args;
    try {
      const { stdout } = await promisify(execFile)('nsenter', [`--net=/run/netns/${name}`, '--', ...command]);
      return { code: 0, report: JSON.parse(stdout) as AuditReport };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      assert.ok(stdout, stderr);
      return { code, report: JSON.parse(stdout) as AuditReport };
    }
  }

  /** What must not change: managers and their services, rules, and what apps reach. */
  async function owned(): Promise<unknown> {
    const { stdout: processes } = await device.world.exec('device', 'sh', [
      '-c',
      `for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/environ 2>/dev/null | grep -q 'NIBOX_NI=/run/nibox/${device.prefix}/' && echo "$d $(tr '\\0' ' ' < $d/cmdline)"; done; true`,
    ]);
    const lines = processes
      .split('\n')
      .filter(line => /nibox: ni\d|dnsmasq/.test(line) && !line.includes('setInterval'));
    const rulesets: string[] = [];
    for (const name of ['device', 'ni1', 'ni2', 'ni3', 'ni4', 'ni5', 'ni6']) {
      const { stdout } = await device.world.exec(name, 'nft', ['-s', '-t', 'list', 'ruleset']);
      rulesets.push(stdout);
    }
    const { stdout: links } = await device.world.exec('device', 'sh', [
      '-c',
      "ip -o link | cut -d' ' -f2; ip rule; ip route show table all | grep -v 'expires'",
    ]);
    const ping = await device.world.exec('app1', 'ping', ['-c', '3', '-i', '0.2', '-W', '3', '192.168.0.1']);
    return { processes: lines.sort(), rulesets, links, ping: ping.exitCode };
  }
});

function missing(orphans: readonly Orphan[], { findings }: Pick<AuditReport, 'findings'>): string[] {
  const isFound = ({ kind, name }: Orphan) =>
    findings.some(finding => finding.kind === kind && name.test(finding.name));
  return orphans.filter(orphan => !isFound(orphan)).map(({ kind, name }) => `${kind} ${name}`);
}

function strange(orphans: readonly Orphan[], { findings }: AuditReport): string[] {
  const isPlanted = (finding: AuditReport['findings'][number]) =>
    orphans.some(({ kind, name }) => finding.kind === kind && name.test(finding.name));
  return findings.filter(finding => !isPlanted(finding)).map(({ kind, name, why }) => `${kind} ${name}: ${why}`);
}
