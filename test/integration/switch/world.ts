/**
 * The world of the switch tests, made of namespaces with a random prefix:
 *
 *     app 1, 2, ...  --vif v1, v2, ...--  br [the switch's namespace]  --port eth3--  lan (with every other address behind it)
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../shared/kernel/run.ts';
import {
  type Ace,
  type AppInterfaceConfig,
  type NetworkInstanceConfig,
  NetworkInstanceType,
} from '../../../shared/proto/messages.ts';
import { localNi, vif } from '../../unit/netns-manager/acl/builders.ts';
import { type Agent, type Program, sendFrame, sourceProgram, startAgent, startProgram } from '../acl/agents.ts';
import type { AclCounters, Addresses, Command, DeniedFlow, Reconciled } from './manager.ts';

export const LAN = '192.168.3.1';
export const LAN6 = 'fd03::1';
/** Hosts behind the port that answer. */
export const OUTSIDE = ['203.0.113.10', '198.51.100.20', '2001:db8:a::10', '2001:db8:b::20'] as const;

export const ni: NetworkInstanceConfig = localNi({
  name: 'ni6',
  type: NetworkInstanceType.SWITCH,
  port: 'eth3',
  ipv4: null,
  transit: null,
  flowLog: true,
  ports: [{ name: 'eth3', deviceEnd: 'eth3-dev' }],
});

export const macOf = (n: number) => `02:16:3e:00:00:0${n}`;
export const addressOf = (n: number) => `192.168.3.${n + 10}`;
export const address6Of = (n: number) => `fd03::${n + 10}`;

/** The configuration of app n's VIF, without ACEs unless given. */
export function appVif(n: number, acl: readonly Ace[] = []): AppInterfaceConfig {
  return vif({ vifNumber: n, vif: `v${n}`, appName: `app${n}`, mac: macOf(n), ipv4: '', acl: [...acl] });
}

export interface SwitchWorld extends AsyncDisposable {
  /** Where the manager keeps what it loaded. */
  runDirectory: string;
  manager: Program<Command>;
  /** Runs a program in a namespace: 'ni', 'lan' or 'app1'... */
  exec(place: string, file: string, ...args: string[]): Promise<string>;
  agent(place: string): Agent;
  netns(place: string): string;
  /** Puts a raw frame on an app's eth0. */
  send(place: string, frame: Buffer): Promise<void>;
  /** Puts a raw frame on the network. */
  sendOnLan(frame: Buffer): Promise<void>;
  /** Commands in the words of `ip -batch`. */
  ip(place: string, lines: string[]): Promise<void>;
  /** Makes the VIF of app n and gives the app its addresses. */
  attach(n: number): Promise<void>;
  /** Gives the apps these ACLs, and lets the manager bring that about. */
  load(acls: readonly (readonly Ace[])[], config?: Partial<NetworkInstanceConfig>): Promise<Reconciled>;
  reconcile(apps: readonly AppInterfaceConfig[], config?: Partial<NetworkInstanceConfig>): Promise<Reconciled>;
  counters(): Promise<AclCounters>;
  denied(): Promise<DeniedFlow[]>;
  addresses(): Promise<Addresses>;
  /** Forgets denied flows and counts. */
  forget(): Promise<void>;
}

export interface SwitchWorldOptions {
  /** With programs that open and answer flows. */
  agents?: boolean;
  /** The command that runs manager.ts. */
  managerProgram?: readonly string[];
}

/** Builds the world, with the rules of apps without ACEs; disposing (or a signal) removes it. */
export async function createSwitchWorld(apps: number, options: SwitchWorldOptions = {}): Promise<SwitchWorld> {
  const prefix = `t${randomBytes(3).toString('hex').slice(0, 5)}`;
  const places = ['ni', 'lan', ...Array.from({ length: apps }, (_, i) => `app${i + 1}`)];
  const netns = (place: string) => `${prefix}-${place}`;
  const runDirectory = await mkdtemp(join(tmpdir(), `${prefix}-`));
  const children: ChildProcess[] = [];
  const agents = new Map<string, Agent>();

  let removing: Promise<void> | undefined;
  const dispose = () => (removing ??= remove());
  async function remove(): Promise<void> {
    for (const child of children) child.kill('SIGKILL');
    for (const place of places) await run('ip', ['netns', 'del', netns(place)]).catch(() => {});
    await rm(runDirectory, { recursive: true, force: true });
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
  function interrupted(signal: NodeJS.Signals): void {
    void dispose().then(() => process.kill(process.pid, signal));
  }
  // Stays until all is removed: a second signal must not cut that short.
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);

  const exec = (place: string, file: string, ...args: string[]) =>
    run('ip', ['netns', 'exec', netns(place), file, ...args]);
  const ip = async (place: string, lines: string[]) => {
    await run('ip', ['-n', netns(place), '-batch', '-'], { input: lines.map(line => `${line}\n`).join('') });
  };

  try {
    await Promise.all(places.map(place => run('ip', ['netns', 'add', netns(place)])));
    await Promise.all(places.filter(place => place !== 'ni').map(quieten));
    await ip('ni', [`link add name eth3 type veth peer name lan0 netns ${netns('lan')}`]);
    await ip('lan', [
      'link set lo up',
      'link set lan0 up',
      `addr add ${LAN}/24 dev lan0`,
      `addr add ${LAN6}/64 dev lan0 nodad`,
      ...OUTSIDE.map(address => `addr add ${address}/${address.includes(':') ? 128 : 32} dev lo`),
    ]);
    for (let n = 1; n <= apps; n++) await attach(n);
    const program = options.managerProgram ?? sourceProgram(new URL('./manager.ts', import.meta.url));
    const manager = await startProgram<Command>(program, netns('ni'), children);
    await manager.ask({ op: 'start', runDirectory });
    const reconcile: SwitchWorld['reconcile'] = (wanted, config = {}) =>
      manager.ask({
        op: 'reconcile',
        intent: { config: { ...ni, ...config }, apps: [...wanted], uplinks: [], credentials: new Map() },
      });
    const load: SwitchWorld['load'] = (acls, config) =>
      reconcile(
        acls.map((acl, i) => appVif(i + 1, acl)),
        config,
      );
    await load(Array.from({ length: apps }, () => []));
    await untilForwarding();
    if (options.agents) await startAgents();
    return {
      runDirectory,
      manager,
      exec,
      ip,
      attach,
      netns,
      agent: place => agents.get(place)!,
      send: (place, frame) => sendFrame(netns(place), frame),
      sendOnLan: frame => sendFrame(netns('lan'), frame, 'lan0'),
      load,
      reconcile,
      counters: () => manager.ask({ op: 'counters' }),
      denied: () => manager.ask({ op: 'denied' }),
      addresses: () => manager.ask({ op: 'addresses' }),
      forget: async () => {
        for (const set of ['denied4', 'denied6']) await exec('ni', 'nft', 'flush', 'set', 'bridge', 'nibox', set);
        await exec('ni', 'nft', 'reset', 'counters', 'table', 'bridge', 'nibox');
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }

  /** The kernel tells a bridge of a port that came up within a second; what is sent before is lost. */
  async function untilForwarding(): Promise<void> {
    const forwards = async () => (await exec('ni', 'bridge', 'link', 'show')).match(/state forwarding/g)?.length ?? 0;
    for (let tries = 0; tries < 200 && (await forwards()) < apps + 1; tries++) await sleep(50);
  }

  /** Who looks for a router, or tells which groups he is in, would be counted with what a test sends. */
  async function quieten(place: string): Promise<void> {
    await exec(place, 'sysctl', '-qw', 'net.ipv6.conf.default.router_solicitations=0');
    await exec(place, 'nft', 'add table inet quiet; add chain inet quiet out { type filter hook output priority 0; }');
    await exec(place, 'nft', 'add rule inet quiet out icmpv6 type mld2-listener-report drop');
  }

  async function attach(n: number): Promise<void> {
    await ip('ni', [`link add name v${n} type veth peer name eth0 address ${macOf(n)} netns ${netns(`app${n}`)}`]);
    await ip(`app${n}`, [
      'link set lo up',
      'link set eth0 up',
      `addr add ${addressOf(n)}/24 dev eth0`,
      `addr add ${address6Of(n)}/64 dev eth0 nodad`,
      `route add default via ${LAN}`,
      `route add ::/0 via ${LAN6}`,
    ]);
  }

  async function startAgents(): Promise<void> {
    const speakers = places.filter(place => place !== 'ni');
    await Promise.all(speakers.map(async place => agents.set(place, await startAgent(netns(place), children))));
    await sleep(100);
    const servers = [...agents.values()].flatMap(agent =>
      [80, 81, 443, 9000].flatMap(port => [agent.ask({ op: 'serveTcp', port }), agent.ask({ op: 'serveUdp', port })]),
    );
    await Promise.all(servers);
  }
}
