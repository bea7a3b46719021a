/**
 * The world of the ACL tests, made of namespaces with a random prefix:
 *
 *     app 1, 2, 3  --vif--  br [NI's namespace] uplink  --transit--  device (and, behind it, every other address)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Nft } from '../../../shared/kernel/nft.ts';
import { run } from '../../../shared/kernel/run.ts';
import type { AppInterfaceConfig, NetworkInstanceConfig } from '../../../shared/proto/messages.ts';
import { localNi, vif } from '../../unit/netns-manager/acl/builders.ts';
import { type Agent, sendFrame, startAgent } from './agents.ts';

export const DEVICE = '169.254.77.1';
export const INNER = '169.254.77.2';
export const DEVICE6 = 'fd77::1';
export const INNER6 = 'fd77::2';
/** Hosts behind the uplink that answer. */
export const OUTSIDE = ['203.0.113.10', '198.51.100.20', '2001:db8:a::10', '2001:db8:b::20'] as const;

export const ni: NetworkInstanceConfig = localNi({
  ipv4: { subnet: '10.9.0.0/24', gateway: '10.9.0.1', rangeStart: '10.9.0.2', rangeEnd: '10.9.0.200' },
  ipv6: { subnet: 'fd09::/64', gateway: 'fd09::1', rangeStart: 'fd09::2', rangeEnd: 'fd09::200' },
  transit: { address: `${INNER}/30`, peer: DEVICE, mtu: 1500, address6: `${INNER6}/126`, peer6: DEVICE6 },
  dnsHosts: [{ name: 'static.example', addresses: ['203.0.113.10', '2001:db8:a::10'] }],
  flowLog: true,
});

/** The configuration of app n's VIF, without ACEs unless given. */
export function appVif(n: number, acl: AppInterfaceConfig['acl'] = []): AppInterfaceConfig {
  return vif({
    vifNumber: n,
    vif: `v${n}`,
    appName: `app${n}`,
    mac: `02:16:3e:00:00:0${n}`,
    ipv4: `10.9.0.${n + 1}`,
    ipv6: `fd09::${n + 1}`,
    acl,
  });
}

export interface World extends AsyncDisposable {
  /** nft of the NI's namespace. */
  nft: Nft;
  /** Runs a program in a namespace: 'ni', 'device' or 'app1'... */
  exec(place: string, file: string, ...args: string[]): Promise<string>;
  agent(place: string): Agent;
  /** The full name of a place's namespace. */
  netns(place: string): string;
  /** Puts a raw frame on a place's eth0. */
  send(place: string, frame: Buffer): Promise<void>;
  /** Commands in the words of `ip -batch`. */
  ip(place: string, lines: string[]): Promise<void>;
}

/** Builds the world; disposing (or a signal) removes it. */
export async function createWorld(apps = 3): Promise<World> {
  const prefix = `t${randomBytes(3).toString('hex').slice(0, 5)}`;
  const places = ['ni', 'device', ...Array.from({ length: apps }, (_, i) => `app${i + 1}`)];
  const netns = (place: string) => `${prefix}-${place}`;
  const children: ChildProcess[] = [];
  const agents = new Map<string, Agent>();

  let removing: Promise<void> | undefined;
  const dispose = () => (removing ??= remove());
  async function remove(): Promise<void> {
    for (const child of children) child.kill('SIGKILL');
    for (const place of places) await run('ip', ['netns', 'del', netns(place)]).catch(() => {});
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
  function interrupted(signal: NodeJS.Signals): void {
    void dispose().then(() => process.kill(process.pid, signal));
  }
  // Stays until all is removed: a second signal must not cut that short.
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);

  /** Makes the NI's namespace as a manager has it, owned by a user namespace: what root's nft may, a manager's may not. */
  async function seal(): Promise<number> {
    const holder = spawn('unshare', ['--user', '--map-root-user', '--net', 'sh', '-c', 'echo ready; exec cat']);
    children.push(holder);
    await once(holder.stdout, 'data');
    await run('ip', ['netns', 'attach', netns('ni'), String(holder.pid)]);
    return holder.pid!;
  }

  const exec = (place: string, file: string, ...args: string[]) =>
    run('ip', ['netns', 'exec', netns(place), file, ...args]);
  const ip = async (place: string, lines: string[]) => {
    await run('ip', ['-n', netns(place), '-batch', '-'], { input: lines.map(line => `${line}\n`).join('') });
  };

  let holder: number;
  try {
    holder = await seal();
    const others = places.filter(place => place !== 'ni');
    await Promise.all(others.map(place => run('ip', ['netns', 'add', netns(place)])));
    await ip('ni', [
      'link set lo up',
      'link add name br type bridge',
      `link add name uplink type veth peer name toni netns ${netns('device')}`,
      'addr add 10.9.0.1/24 dev br',
      'addr add 169.254.169.254/32 dev br',
      'addr add fd09::1/64 dev br nodad',
      `addr add ${INNER}/30 dev uplink`,
      `addr add ${INNER6}/126 dev uplink nodad`,
      'link set dev br up',
      'link set uplink up',
      `route add default via ${DEVICE}`,
      `route add ::/0 via ${DEVICE6}`,
    ]);
    for (let n = 1; n <= apps; n++) {
      await ip('ni', [
        `link add name v${n} type veth peer name eth0 address ${appVif(n).mac} netns ${netns(`app${n}`)}`,
        `link set v${n} master br up`,
      ]);
      await exec('ni', 'bridge', 'link', 'set', 'dev', `v${n}`, 'learning', 'off', 'locked', 'on');
      await exec('ni', 'bridge', 'fdb', 'replace', appVif(n).mac, 'dev', `v${n}`, 'master', 'static');
      await ip(`app${n}`, [
        'link set lo up',
        'link set eth0 up',
        `addr add 10.9.0.${n + 1}/24 dev eth0`,
        `addr add fd09::${n + 1}/64 dev eth0 nodad`,
        'route add default via 10.9.0.1',
        'route add ::/0 via fd09::1',
      ]);
    }
    await ip('device', [
      'link set lo up',
      'link set toni up',
      `addr add ${DEVICE}/30 dev toni`,
      `addr add ${DEVICE6}/126 dev toni nodad`,
      ...OUTSIDE.map(address => `addr add ${address}/${address.includes(':') ? 128 : 32} dev lo`),
      `route add 10.9.0.0/24 via ${INNER}`,
      `route add fd09::/64 via ${INNER6}`,
      'route add blackhole default',
      'route add blackhole ::/0',
    ]);
    await exec(
      'ni',
      'sysctl',
      '-qw',
      ...['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.netfilter.nf_conntrack_acct=1'],
      ...['net.bridge.bridge-nf-call-iptables=1', 'net.bridge.bridge-nf-call-ip6tables=1'],
      'net.ipv4.conf.all.send_redirects=0',
      'net.ipv4.conf.br.send_redirects=0',
    );
    await Promise.all(others.map(async place => agents.set(place, await startAgent(netns(place), children))));
    const servers = [...agents].flatMap(([, agent]) =>
      [80, 81, 443, 9000].flatMap(port => [agent.ask({ op: 'serveTcp', port }), agent.ask({ op: 'serveUdp', port })]),
    );
    await Promise.all(servers);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    nft: (args, input) =>
      run(
        'nsenter',
        [`--user=/proc/${holder}/ns/user`, `--net=/run/netns/${netns('ni')}`, '--', 'nft', ...args],
        input === undefined ? {} : { input },
      ),
    exec,
    ip,
    netns,
    send: (place, frame) => sendFrame(netns(place), frame),
    agent: place => agents.get(place)!,
    [Symbol.asyncDispose]: dispose,
  };
}
