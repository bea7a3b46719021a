import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { run } from '../../../../shared/kernel/run.ts';
import {
  APPS,
  appAddress,
  appMac,
  FORBIDDEN,
  GATEWAY,
  OUTSIDE,
  SUBNET,
  TRANSIT_DEVICE,
  TRANSIT_INNER,
  TRANSIT_ROOT,
  UPLINK_ADDRESS,
} from './layout.ts';

export type Place = 'app1' | 'app2' | 'ni' | 'root' | 'outside';

export interface ChainOptions {
  /** 2: a namespace of the network instance, then the root namespace. 1: the bridge is in the root namespace. */
  hops: 1 | 2;
  /** Whether bridged frames pass netfilter's IP hooks; the kernel's own default is yes. */
  bridgeNf: boolean;
}

/** One chain of namespaces, forwarding and without any rules. */
export class Chain {
  readonly hops: 1 | 2;
  readonly #prefix = `t${randomBytes(3).toString('hex').slice(0, 5)}`;
  readonly #children: ChildProcess[] = [];

  private constructor(hops: 1 | 2) {
    this.hops = hops;
  }

  /** Builds it; what was made is removed when that fails. */
  static async create({ hops, bridgeNf }: ChainOptions): Promise<Chain> {
    const chain = new Chain(hops);
    try {
      await chain.#build(bridgeNf);
    } catch (error) {
      await chain.remove();
      throw error;
    }
    return chain;
  }

  /** Where the bridge is. */
  get bridgePlace(): Place {
    return this.hops === 2 ? 'ni' : 'root';
  }

  netns(place: Place): string {
    return `${this.#prefix}-${place}`;
  }

  /** What goes in front of a command to run it in a place. */
  enter(place: Place): string[] {
    return ['nsenter', `--net=/run/netns/${this.netns(place)}`, '--'];
  }

  /** Runs a program in a place to its end; gives its output. */
  exec(place: Place, command: readonly string[], input?: string, timeoutMs = 30_000): Promise<string> {
    const [file, ...args] = [...this.enter(place), ...command];
    return run(file!, args, { timeoutMs, ...(input !== undefined && { input }) });
  }

  /** Starts a program that goes on until the chain is removed. */
  start(place: Place, command: readonly string[]): void {
    const [file, ...args] = [...this.enter(place), ...command];
    this.#children.push(spawn(file!, args, { stdio: 'ignore' }));
  }

  async sysctl(place: Place, values: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(values).map(([path, value]) => `echo ${value} > /proc/sys/${path}`);
    await this.exec(place, ['sh', '-ec', lines.join('\n')]);
  }

  /** Commands in the words of `ip -batch`. */
  async ip(place: Place, lines: readonly string[]): Promise<void> {
    await run('ip', ['-n', this.netns(place), '-batch', '-'], { input: lines.map(line => `${line}\n`).join('') });
  }

  /** Ends what was started in it and removes it; can be called again. */
  async remove(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const place of this.#places) await run('ip', ['netns', 'del', this.netns(place)]).catch(() => {});
  }

  get #places(): Place[] {
    return ['app1', 'app2', ...(this.hops === 2 ? (['ni'] as const) : []), 'root', 'outside'];
  }

  async #build(bridgeNf: boolean): Promise<void> {
    await run('ip', ['-batch', '-'], { input: this.#places.map(place => `netns add ${this.netns(place)}\n`).join('') });
    await this.ip('root', [
      'link set lo up',
      `link add name eth0 type veth peer name eth0 netns ${this.netns('outside')}`,
      `addr add ${UPLINK_ADDRESS}/24 dev eth0`,
      'link set eth0 up',
      `route add default via ${OUTSIDE}`,
    ]);
    await this.ip('outside', [
      'link set lo up',
      `addr add ${OUTSIDE}/24 dev eth0`,
      `addr add ${FORBIDDEN}/32 dev lo`,
      'link set eth0 up',
      `route add ${SUBNET} via ${UPLINK_ADDRESS}`,
    ]);
    await this.#buildBridge();
    if (this.hops === 2) await this.#buildTransit();
    for (const place of new Set<Place>(['root', this.bridgePlace])) {
      await this.sysctl(place, {
        'net/ipv4/ip_forward': '1',
        'net/ipv4/conf/all/send_redirects': '0',
        'net/ipv4/conf/all/rp_filter': '0',
        'net/bridge/bridge-nf-call-iptables': bridgeNf ? '1' : '0',
        'net/bridge/bridge-nf-call-ip6tables': bridgeNf ? '1' : '0',
      });
    }
  }

  async #buildBridge(): Promise<void> {
    await this.ip(this.bridgePlace, [
      'link set lo up',
      'link add name br type bridge',
      `addr add ${GATEWAY}/24 dev br`,
      ...APPS.flatMap(app => [
        `link add name v${app} type veth peer name eth0 address ${appMac(app)} netns ${this.netns(`app${app}`)}`,
        `link set v${app} master br up`,
      ]),
      'link set dev br up',
    ]);
    for (const app of APPS) {
      await this.ip(`app${app}`, [
        'link set lo up',
        'link set eth0 up',
        `addr add ${appAddress(app)}/24 dev eth0`,
        `route add default via ${GATEWAY}`,
      ]);
    }
  }

  async #buildTransit(): Promise<void> {
    await this.ip('root', [
      `link add name ${TRANSIT_DEVICE} type veth peer name uplink netns ${this.netns('ni')}`,
      `addr add ${TRANSIT_ROOT}/30 dev ${TRANSIT_DEVICE}`,
      `link set ${TRANSIT_DEVICE} up`,
      `route add ${SUBNET} via ${TRANSIT_INNER}`,
    ]);
    await this.ip('ni', [
      `addr add ${TRANSIT_INNER}/30 dev uplink`,
      'link set uplink up',
      `route add default via ${TRANSIT_ROOT}`,
    ]);
  }
}
