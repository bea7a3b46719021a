import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../../shared/kernel/run.ts';
import { ruleSteps } from './rule-steps.ts';

/** Network instances made by scripts in a namespace that stands for the device: what nibox is compared with. */
export class ByHand {
  readonly #prefix: string;
  readonly #directory: string;
  #made: number[] = [];

  /** @param directory for pid files */
  constructor(prefix: string, directory: string) {
    this.#prefix = prefix;
    this.#directory = directory;
  }

  get #device(): string {
    return `${this.#prefix}-root`;
  }

  /** Makes the device, and namespaces for the apps of so many network instances. */
  async prepare(count: number): Promise<void> {
    const apps = numbers(count).flatMap(ni => [1, 2].map(app => `netns add ${this.#app(ni, app)}\n`));
    await run('ip', ['-batch', '-'], { input: `netns add ${this.#device}\n${apps.join('')}`, timeoutMs: 120_000 });
    await run('ip', ['-n', this.#device, '-batch', '-'], {
      input:
        'link add name eth1 type veth peer name cable\naddress add 192.168.1.2/24 dev eth1\nlink set dev eth1 up\n',
    });
  }

  /** The same objects in as few steps as there can be: two batches of `ip` (one in each namespace), one of `nft`, and dnsmasq. */
  async inBatches(count: number, ruleset: string): Promise<void> {
    for (const ni of numbers(count)) {
      this.#made.push(ni);
      const name = this.#ni(ni);
      // `netns add` must not be in a batch of another namespace: its mount would be seen in there alone.
      await run('ip', ['-batch', '-'], { input: `netns add ${name}\n` });
      const outside = outsideLines(ni, name);
      await run('ip', ['-n', this.#device, '-batch', '-'], { input: `${outside.join('\n')}\n` });
      const inside = insideLines(ni, [this.#app(ni, 1), this.#app(ni, 2)]);
      await run('ip', ['-n', name, '-batch', '-'], { input: `${inside.join('\n')}\n` });
      await run('nsenter', [`--net=/run/netns/${name}`, '--', 'nft', '-f', '-'], { input: ruleset });
      await this.#dnsmasq(ni);
    }
  }

  /** The way of a shell script: one program for each object and each rule. Gives how many it started. */
  async stepByStep(count: number, ruleset: string): Promise<number> {
    let started = 0;
    for (const ni of numbers(count)) {
      this.#made.push(ni);
      const name = this.#ni(ni);
      const commands = [
        `ip netns add ${name}`,
        ...outsideLines(ni, name).map(line => `ip -n ${this.#device} ${line}`),
        ...insideLines(ni, [this.#app(ni, 1), this.#app(ni, 2)]).map(line => `ip -n ${name} ${line}`),
        ...ruleSteps(ruleset).map(step => `ip netns exec ${name} nft '${step}'`),
      ];
      started += commands.length + 1;
      await run('sh', ['-ec', commands.join('\n')], { timeoutMs: 120_000 });
      await this.#dnsmasq(ni);
    }
    return started;
  }

  /** Removes the network instances. */
  async clear(): Promise<void> {
    for (const ni of this.#made) {
      const pid = Number(await readFile(this.#pidFile(ni), 'utf8').catch(() => '0'));
      if (pid > 0) process.kill(pid, 'SIGKILL');
      await rm(this.#pidFile(ni), { force: true });
    }
    const lines = this.#made.map(ni => `netns del ${this.#ni(ni)}\n`);
    await run('ip', ['-force', '-batch', '-'], { input: lines.join(''), timeoutMs: 120_000 }).catch(() => '');
    const links = this.#made.map(ni => `link del dev t${ni}\n`).join('');
    await run('ip', ['-n', this.#device, '-force', '-batch', '-'], { input: links, timeoutMs: 120_000 }).catch(
      () => '',
    );
    const rules = this.#made.map(ni => `rule del priority ${1000 + ni}\nroute flush table ${1000 + ni}\n`).join('');
    await run('ip', ['-n', this.#device, '-force', '-batch', '-'], { input: rules, timeoutMs: 120_000 }).catch(
      () => '',
    );
    this.#made = [];
  }

  /** Removes all. */
  async end(count: number): Promise<void> {
    await this.clear();
    const apps = numbers(count).flatMap(ni => [1, 2].map(app => `netns del ${this.#app(ni, app)}\n`));
    const input = `netns del ${this.#device}\n${apps.join('')}`;
    await run('ip', ['-force', '-batch', '-'], { input, timeoutMs: 120_000 }).catch(() => '');
  }

  async #dnsmasq(ni: number): Promise<void> {
    const options = ['--conf-file=/dev/null', '--interface=br', '--bind-dynamic', '--no-resolv', '--user=root'];
    const own = [`--pid-file=${this.#pidFile(ni)}`, `--dhcp-leasefile=${this.#pidFile(ni)}.leases`];
    const range = '--dhcp-range=10.10.1.128,10.10.1.254';
    const enter = [`--net=/run/netns/${this.#ni(ni)}`, '--', 'dnsmasq'];
    await run('nsenter', [...enter, ...options, ...own, range]);
  }

  #pidFile(ni: number): string {
    return join(this.#directory, `dnsmasq.${ni}`);
  }

  #ni(ni: number): string {
    return `${this.#prefix}-h${ni}`;
  }

  #app(ni: number, app: number): string {
    return `${this.#prefix}-h${ni}x${app}`;
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** In the device: the transit link, with a routing table for what comes from there. */
function outsideLines(ni: number, name: string): string[] {
  const net = `169.254.${64 + Math.floor(ni / 64)}.${(ni % 64) * 4}`.split('.');
  const address = (last: number) => [...net.slice(0, 3), Number(net[3]) + last].join('.');
  return [
    `link add name t${ni} type veth peer name uplink netns ${name}`,
    `address add ${address(1)}/30 dev t${ni}`,
    `link set dev t${ni} up`,
    `route add default via 192.168.1.1 dev eth1 table ${1000 + ni}`,
    `rule add iif t${ni} priority ${1000 + ni} table ${1000 + ni}`,
  ];
}

/** In the network instance: the bridge with its addresses, the transit link's other end, a locked port for each app. */
function insideLines(ni: number, apps: readonly string[]): string[] {
  const net = `169.254.${64 + Math.floor(ni / 64)}`;
  const last = (ni % 64) * 4;
  return [
    'link set dev lo up',
    'link add name br mtu 1500 type bridge',
    'address add 10.10.1.1/24 dev br',
    'address add 169.254.169.254/32 dev br',
    'link set dev br up',
    `address add ${net}.${last + 2}/30 dev uplink`,
    'link set dev uplink up',
    `route add default via ${net}.${last + 1} dev uplink`,
    ...apps.flatMap((app, index) => [
      `link add name v${index + 1} mtu 1500 type veth peer name eth0 netns ${app}`,
      `link set dev v${index + 1} master br`,
      `link set dev v${index + 1} type bridge_slave locked on learning off`,
      `link set dev v${index + 1} up`,
    ]),
  ];
}
