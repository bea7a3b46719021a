import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DnsmasqInput } from '../../../netns-manager/dhcp/render.ts';
import type { Nft } from '../../../shared/kernel/nft.ts';
import { run } from '../../../shared/kernel/run.ts';
import { app, input } from '../../unit/netns-manager/dhcp/fixtures.ts';

export const GATEWAY = '10.10.1.1';
export const UPSTREAM = '192.168.0.1';

export interface DhcpAnswer {
  ip: string;
  [option: string]: string | undefined;
}

/** An NI's namespace with bridge and uplink, an upstream host, and apps with one VIF each; all of it namespaces of its own. */
export class NiWorld {
  readonly prefix = `t${Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
  readonly directory = mkdtempSync(join(tmpdir(), `${this.prefix}-`));
  readonly #namespaces: string[] = [];
  #isClosed = false;
  readonly #onSignal = () => {
    this.close();
    process.exit(130);
  };

  static async create(apps: number): Promise<NiWorld> {
    const world = new NiWorld();
    process.once('SIGINT', world.#onSignal);
    process.once('SIGTERM', world.#onSignal);
    try {
      await world.#build(apps);
    } catch (error) {
      world.close();
      throw error;
    }
    return world;
  }

  name(member: string): string {
    return `${this.prefix}-${member}`;
  }

  exec(member: string, ...command: string[]): Promise<string> {
    return run('ip', ['netns', 'exec', this.name(member), ...command]);
  }

  ip(member: string, ...lines: string[]): Promise<string> {
    return run('ip', ['-n', this.name(member), '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** nft of the NI's namespace. */
  readonly nft: Nft = (args, script) =>
    run('ip', ['netns', 'exec', this.name('ni'), 'nft', ...args], script === undefined ? {} : { input: script });

  /** A program as seen from inside a namespace: same pid, since `ip netns exec` only replaces itself. */
  wrapper(member: string, program: string): string {
    const file = join(this.directory, `${member}-${program}`);
    writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${this.name(member)} ${program} "$@"\n`, { mode: 0o755 });
    return file;
  }

  mac(index: number): string {
    return `02:16:3e:00:00:0${index}`;
  }

  /** Input for renderDnsmasq that fits this world. */
  input(fields: Partial<DnsmasqInput> = {}): DnsmasqInput {
    const apps = fields.apps ?? [app({ mac: this.mac(1) })];
    return input({
      directory: join(this.directory, 'run'),
      logFile: join(this.directory, 'log', 'dnsmasq.log'),
      ...fields,
      apps,
    });
  }

  /** Runs a DHCP client in an app until it has an address; null when nobody gives it one. The address is set. */
  async dhcp(appNumber: number, tries = 4): Promise<DhcpAnswer | null> {
    const script = join(this.directory, `dhcp-${appNumber}.sh`);
    writeFileSync(
      script,
      `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr flush dev eth0 scope global
ip addr add "$ip/$mask" dev eth0
[ -z "$router" ] || ip route replace default via "$router"
env > ${script}.env
`,
      { mode: 0o755 },
    );
    rmSync(`${script}.env`, { force: true });
    const wanted = ['staticroutes', 'mtu', 'ntpsrv', 'domain', 'hostname'].flatMap(option => ['-O', option]);
    const args = ['-i', 'eth0', '-n', '-q', '-f', '-s', script, '-t', String(tries), '-T', '1', ...wanted];
    await this.exec(`app${appNumber}`, 'busybox', 'udhcpc', ...args).catch(() => '');
    const env = await run('cat', [`${script}.env`]).catch(() => '');
    const answer = Object.fromEntries(
      env.split('\n').map(line => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    return answer.ip ? { ...answer, ip: answer.ip } : null;
  }

  /** Addresses of a name as an app's resolver sees them; empty when there are none. */
  async resolve(appNumber: number, name: string, type: 'a' | 'aaaa' = 'a'): Promise<string[]> {
    const reply = await this.exec(`app${appNumber}`, 'busybox', 'nslookup', `-type=${type}`, name, GATEWAY).catch(
      () => '',
    );
    return [...reply.matchAll(/^Address: (\S+)$/gm)].map(match => match[1] ?? '');
  }

  /** Ends every process in the namespaces, all of which were started by this test, and removes everything. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
    for (const namespace of this.#namespaces) {
      const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout ?? '';
      for (const pid of pids.split('\n').filter(line => line !== '')) kill(Number(pid));
    }
    for (const namespace of this.#namespaces) spawnSync('ip', ['netns', 'del', namespace]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #build(apps: number): Promise<void> {
    mkdirSync(join(this.directory, 'log'));
    for (const member of ['ni', 'up', ...Array.from({ length: apps }, (_, index) => `app${index + 1}`)]) {
      this.#namespaces.push(this.name(member));
      await run('ip', ['netns', 'add', this.name(member)]);
    }
    await this.ip(
      'ni',
      `link add name uplink type veth peer name eth0 netns ${this.name('up')}`,
      'link set dev lo up',
      'link set dev uplink up',
      'addr add 192.168.0.2/24 dev uplink',
      'route add default via 192.168.0.1',
    );
    await this.ip('up', 'link set dev lo up', 'link set dev eth0 up', `addr add ${UPSTREAM}/24 dev eth0`);
    await this.makeBridge();
    await this.exec('ni', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    for (let index = 1; index <= apps; index++) {
      const member = `app${index}`;
      await this.ip(
        'ni',
        `link add name v${index} type veth peer name eth0 netns ${this.name(member)}`,
        `link set dev v${index} master br up`,
      );
      await this.ip(
        member,
        'link set dev lo up',
        `link set dev eth0 address ${this.mac(index)}`,
        'link set dev eth0 up',
      );
    }
  }

  async makeBridge(): Promise<void> {
    await this.ip(
      'ni',
      'link add name br type bridge',
      'link set dev br up',
      `addr add ${GATEWAY}/24 dev br`,
      'addr add 169.254.169.254/32 dev br',
      'addr add fd00:1::1/64 dev br nodad',
    );
  }
}

/** Waits until a condition holds; throws what was waited for when it never does. Long, so that a busy machine passes. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await sleep(25);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}
