import { type ChildProcess, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import { Agent } from './agent.ts';
import { bundleAgent } from './bundle-agent.ts';

/** Where each gateway's "cloud" answers; the same behind all of them. */
export const CLOUD = '192.168.0.1';
export const NI_ADDRESS = '169.254.64.2';
/** Of gateway 1, 2, ... */
export const gatewayAddress = (number: number) => `198.51.100.${4 * (number - 1) + 1}`;

/**
 * An app behind an NI, whose uplink is behind a NAT, and gateways on the other side of it:
 *
 *     app 10.10.10.2 -- 10.10.10.1 ni 169.254.64.2 -- .1 nat (masquerades) 198.51.100.2 -- .1 gw1 (192.168.0.1)
 *                                                                           198.51.100.6 -- .5 gw2 (192.168.0.1)
 */
export class VpnWorld {
  readonly prefix = `t${Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
  readonly directory = mkdtempSync(join(tmpdir(), `${this.prefix}-`));
  readonly #namespaces: string[] = [];
  readonly #agents: Agent[] = [];
  readonly #children: ChildProcess[] = [];
  #agentProgram: string[] = [];
  #isClosed = false;
  readonly #onSignal = () => {
    this.close();
    process.exit(130);
  };

  /** With a program for agents that is made already, or else it is bundled. */
  static async create(gateways = 1, agentProgram?: string[]): Promise<VpnWorld> {
    const world = new VpnWorld();
    world.#agentProgram = agentProgram ?? [join(world.directory, 'agent.cjs')];
    process.once('SIGINT', world.#onSignal);
    process.once('SIGTERM', world.#onSignal);
    try {
      if (!agentProgram) await bundleAgent(world.#agentProgram[0]!);
      await world.#build(gateways);
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
    return run('nsenter', [`--net=/run/netns/${this.name(member)}`, '--', ...command], { timeoutMs: 60_000 });
  }

  ip(member: string, ...lines: string[]): Promise<string> {
    return run('ip', ['-n', this.name(member), '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** An Ipsec in a process of its own; one after the other in the same namespace find the same files. */
  agent(member: string, enter = ['nsenter', `--net=/run/netns/${this.name(member)}`, '--']): Agent {
    const agent = new Agent(enter, this.#agentProgram, join(this.directory, member));
    this.#agents.push(agent);
    return agent;
  }

  /** Ends these processes, too, in the end. */
  own(child: ChildProcess): void {
    this.#children.push(child);
  }

  /** Whether an app reaches the cloud, through a tunnel that is up. */
  async reachesCloud(): Promise<boolean> {
    const ping = this.exec('app', 'ping', '-c', '1', '-W', '1', CLOUD);
    return ping.then(
      () => true,
      () => false,
    );
  }

  /** Routes into charon's TUN device, as the manager makes them; nothing for the cloud leaves in clear. */
  async route(member: string, subnet: string): Promise<void> {
    await this.ip(
      member,
      `route replace blackhole ${subnet} table 220 metric 1000`,
      `route replace ${subnet} dev ipsec0 table 220 metric 10`,
    );
  }

  /** Ends every process in the namespaces, all of which were started by this test, and removes everything. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
    for (const agent of this.#agents) void agent.kill();
    for (const child of this.#children) child.kill('SIGKILL');
    for (const namespace of this.#namespaces) {
      const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout ?? '';
      for (const pid of pids.split('\n').filter(line => line !== '')) kill(Number(pid));
    }
    for (const namespace of this.#namespaces) spawnSync('ip', ['netns', 'del', namespace]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #build(gateways: number): Promise<void> {
    const numbers = Array.from({ length: gateways }, (_, index) => index + 1);
    for (const member of ['app', 'ni', 'nat', ...numbers.map(number => `gw${number}`)]) {
      this.#namespaces.push(this.name(member));
      await run('ip', ['netns', 'add', this.name(member)]);
      await this.ip(member, 'link set dev lo up');
      await this.exec(member, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0');
    }
    await this.#link('app', 'eth0', '10.10.10.2/24', 'ni', 'br', '10.10.10.1/24');
    await this.#link('ni', 'uplink', `${NI_ADDRESS}/30`, 'nat', 'ni', '169.254.64.1/30');
    await this.ip('app', 'route add default via 10.10.10.1');
    await this.ip('ni', 'route add default via 169.254.64.1', 'rule add pref 220 not fwmark 0x42 lookup 220');
    for (const number of numbers) {
      const gw = `gw${number}`;
      const nat = `198.51.100.${4 * (number - 1) + 2}`;
      await this.#link('nat', gw, `${nat}/30`, gw, 'eth0', `${gatewayAddress(number)}/30`);
      await this.ip(gw, `route add default via ${nat}`, `addr add ${CLOUD}/24 dev lo`);
      await this.ip(gw, 'rule add pref 220 not fwmark 0x42 lookup 220');
    }
    await this.exec(
      'nat',
      'nft',
      'table ip nat { chain post { type nat hook postrouting priority srcnat; oifname "gw*" masquerade; }; }',
    );
  }

  async #link(one: string, device: string, address: string, other: string, peer: string, peerAddress: string) {
    await this.ip(one, `link add name ${device} type veth peer name ${peer} netns ${this.name(other)}`);
    await this.ip(one, `addr add ${address} dev ${device}`, `link set dev ${device} up`);
    await this.ip(other, `addr add ${peerAddress} dev ${peer}`, `link set dev ${peer} up`);
  }
}

/** Waits until a condition holds; throws what was waited for when it never does. Long, so that a busy machine passes. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 30_000, state = async () => '' }: { timeoutMs?: number; state?: () => Promise<string> } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}\n${await state()}`);
    await sleep(50);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}
