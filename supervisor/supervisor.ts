import { createHash } from 'node:crypto';
import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DeviceConfig, NetworkInstance } from '../shared/config/model.ts';
import type { Log } from '../shared/log/log.ts';
import { Hub, type Identity } from '../shared/pubsub/index.ts';
import { Allocator } from './allocate/allocator.ts';
import { Attacher } from './attach/attacher.ts';
import { Instance } from './instances/instance.ts';
import { type InstanceIntent, instanceIntents, rootInstance } from './intent/intents.ts';
import { Namespaces } from './namespaces/namespaces.ts';
import { detectForwardDrop } from './routing/forward-drop.ts';
import { RootNetwork } from './routing/root-network.ts';
import { observeUplinks } from './uplinks/observe.ts';

export interface SupervisorOptions {
  prefix: string;
  version: string;
  stateDirectory: string;
  runDirectory: string;
  logDirectory: string;
  resolvConf: string;
  identity: Identity;
  log: Log;
}

/** Uplinks and app namespaces are looked at anew that often, whatever the events said. */
const REREAD_MS = 5_000;
const RETRY_MS = 1_000;
/** Network instances that are worked on at once: each is mostly waiting for processes, and a small device must stay responsive. */
const PARALLEL = 4;
const EMPTY: DeviceConfig = {
  device: { uuid: '', name: '', projectName: '', projectUuid: '', enterpriseName: '', enterpriseUuid: '' },
  uplinks: [],
  networkInstances: [],
  apps: [],
  transitPool: '169.254.64.0/18',
  uidBase: 200_000,
  forwardBetweenUplinks: false,
};

/** Keeps the device's network instances as its config wants them: namespaces, managers, root network, VIFs. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #log: Log;
  readonly #namespaces: Namespaces;
  readonly #root: RootNetwork;
  readonly #allocator: Allocator;
  readonly attacher: Attacher;
  readonly instances = new Map<string, Instance>();
  readonly errors = new Map<string, string>();
  readonly apiHub = new Hub();
  warnings: string[] = [];
  config: DeviceConfig = EMPTY;
  #code = '';
  #running = false;
  #again = false;
  #stopped = false;
  #timers: NodeJS.Timeout[] = [];
  #retry: NodeJS.Timeout | null = null;
  #watchers: (() => void)[] = [];
  #passDone: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#namespaces = new Namespaces({
      directory: join(options.runDirectory, 'ns'),
      prefix: options.prefix,
      log: options.log,
    });
    this.#root = new RootNetwork({
      prefix: options.prefix,
      log: options.log,
      stateFile: join(options.runDirectory, 'root.json'),
    });
    this.#allocator = new Allocator(join(options.stateDirectory, 'numbers.json'), options.log);
    this.attacher = new Attacher(options.prefix, options.log);
  }

  /** Begins to watch and to work. */
  async start(): Promise<void> {
    this.#code = await installCode(join(this.#options.runDirectory, 'code'));
    this.#watchers.push(this.#root.watch(() => this.wake()));
    mkdirSync('/run/netns', { recursive: true });
    const watcher: FSWatcher = watch('/run/netns', () => this.wake());
    this.#watchers.push(() => watcher.close());
    this.#timers.push(setInterval(() => this.wake(), REREAD_MS));
    this.warnings = [await detectForwardDrop()].filter(text => text !== null);
    for (const warning of this.warnings) this.#log.warn({}, warning);
  }

  /** Takes a new config and brings it about. */
  use(config: DeviceConfig): void {
    this.config = config;
    this.wake();
  }

  /** One pass soon. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#running) this.#again = true;
    else this.#passDone = this.#pass();
  }

  /** What must be for the config, and what is not so: in words. Empty: converged. */
  problems(): string[] {
    return this.#activeInstances().flatMap(ni => {
      const error = this.errors.get(ni.name);
      if (error) return [`${ni.name}: ${error}`];
      const instance = this.instances.get(ni.name);
      if (!instance) return [`${ni.name}: not started`];
      if (instance.converged) return [];
      return [
        `${ni.name}: ${instance.status?.error || `its manager is ${instance.manager.state} and has not put the config in place`}`,
      ];
    });
  }

  /** The commands and changes that a config would bring, without executing. */
  plan(next: DeviceConfig): string[] {
    const names = (config: DeviceConfig) => new Map(config.networkInstances.map(ni => [ni.name, ni]));
    const before = names(this.config);
    const after = names(next);
    const lines: string[] = [];
    for (const [name, ni] of after) {
      const old = before.get(name);
      if (!old) lines.push(`create network instance ${name} (${ni.type})`);
      else if (JSON.stringify(old) !== JSON.stringify(ni)) lines.push(`change network instance ${name}`);
    }
    for (const name of before.keys()) if (!after.has(name)) lines.push(`remove network instance ${name}`);
    const apps = (config: DeviceConfig) => new Map(config.apps.map(app => [app.name, app]));
    const oldApps = apps(this.config);
    const newApps = apps(next);
    for (const [name, app] of newApps) {
      const old = oldApps.get(name);
      if (!old) lines.push(`add app ${name}`);
      else if (JSON.stringify(old) !== JSON.stringify(app)) {
        const touched = app.interfaces.filter(
          (one, index) => JSON.stringify(one) !== JSON.stringify(old.interfaces[index]),
        );
        lines.push(
          `change app ${name}${touched.length > 0 ? `: interface to ${touched.map(one => one.networkInstance).join(', ')}` : ''}`,
        );
      }
    }
    for (const name of oldApps.keys()) if (!newApps.has(name)) lines.push(`remove app ${name}`);
    if (JSON.stringify(this.config.uplinks) !== JSON.stringify(next.uplinks)) lines.push('change uplinks');
    return lines;
  }

  /** Ends everything: managers with their services, namespaces, root network, run directory. Gives what went wrong. */
  async stop(): Promise<string[]> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#retry) clearTimeout(this.#retry);
    for (const stopWatching of this.#watchers) stopWatching();
    await this.#passDone;
    const problems: string[] = [];
    const attempt = async (what: string, step: () => Promise<unknown>) => {
      try {
        await step();
      } catch (error) {
        problems.push(`${what}: ${(error as Error).message}`);
      }
    };
    await Promise.all(
      [...this.instances].map(([name, instance]) => attempt(`manager of ${name}`, () => this.#end(instance))),
    );
    await attempt('root network', async () => problems.push(...(await this.#root.remove())));
    const named = new Set([...this.instances.keys(), ...(await this.#namespaces.list())]);
    await Promise.all([...named].map(name => attempt(`namespace of ${name}`, () => this.#namespaces.remove(name))));
    await attempt('run directory', () => rm(this.#options.runDirectory, { recursive: true, force: true }));
    return problems;
  }

  async #pass(): Promise<void> {
    this.#running = true;
    do {
      this.#again = false;
      try {
        await this.#passOnce();
      } catch (error) {
        this.#log.error({ err: error }, `a pass failed: ${(error as Error).message}`);
        this.#retrySoon();
      }
    } while (this.#again && !this.#stopped);
    this.#running = false;
  }

  async #passOnce(): Promise<void> {
    const { config } = this;
    const active = this.#activeInstances();
    const uplinks = await observeUplinks(config.uplinks, this.#options.resolvConf);
    await this.#removeUnwanted(new Set(active.map(({ name }) => name)));
    const intents = instanceIntents(config, active, uplinks, this.#allocator, this.#options.prefix);

    await inParallel(intents, PARALLEL, intent => this.#bringUp(intent));
    const running = intents.filter(({ config: { name } }) => this.instances.has(name));
    const { errors } = await this.#root.apply({
      prefix: this.#options.prefix,
      transitPool: config.transitPool,
      forwardBetweenUplinks: config.forwardBetweenUplinks,
      uplinks: uplinks
        .filter(uplink => uplink.exists)
        .map(({ interface: name, addresses, gateway }) => ({
          interface: name,
          addresses: addresses.filter(address => !address.includes(':')),
          ...(gateway !== undefined && { gateway }),
        })),
      instances: running.map(intent => rootInstance(intent, this.instances.get(intent.config.name)!.namespace.netPath)),
    });
    for (const error of errors) this.#log.error({ error }, `root network: ${error}`);
    if (errors.length > 0) this.#retrySoon();
    await inParallel(running, PARALLEL, intent => this.#publishAndAttach(intent));
    this.#allocator.retain(
      new Set(config.networkInstances.map(({ uuid }) => uuid)),
      new Set(config.apps.map(({ uuid }) => uuid)),
      vifKeys(config),
    );
  }

  /** NIs that are to run: activated, valid, and of a type that exists. */
  #activeInstances(): NetworkInstance[] {
    return this.config.networkInstances.filter(ni => {
      if (ni.issues.length > 0 || !ni.activate) return false;
      if (ni.type === 'local') return true;
      this.errors.set(ni.name, `network instances of type ${ni.type} are not built yet`);
      return false;
    });
  }

  async #removeUnwanted(wanted: ReadonlySet<string>): Promise<void> {
    const namespaces = await this.#namespaces.list();
    for (const name of new Set([...this.instances.keys(), ...namespaces])) {
      if (wanted.has(name)) continue;
      const instance = this.instances.get(name);
      this.instances.delete(name);
      if (instance) await this.#end(instance);
      await this.#namespaces.remove(name);
      await rm(this.#niDirectory(name), { recursive: true, force: true });
      this.#log.info({ ni: name }, `network instance ${name} removed`);
    }
    for (const name of this.errors.keys())
      if (!this.config.networkInstances.some(ni => ni.name === name)) this.errors.delete(name);
  }

  async #bringUp(intent: InstanceIntent): Promise<void> {
    const { name } = intent.config;
    if (this.instances.has(name)) return;
    try {
      const namespace = await this.#namespaces.ensure(name, this.config.uidBase, intent.number);
      const instance = new Instance({
        name,
        prefix: this.#options.prefix,
        version: this.#options.version,
        code: this.#code,
        namespace,
        runDirectory: this.#niDirectory(name),
        logDirectory: join(this.#options.logDirectory, name),
        identity: this.#options.identity,
        apiHub: this.apiHub,
        log: this.#log,
        onChange: () => this.#managerTold(name),
      });
      this.instances.set(name, instance);
      instance.publish(intent);
      await instance.start();
      this.errors.delete(name);
    } catch (error) {
      const text = (error as Error).message;
      if (this.errors.get(name) !== text) this.#log.error({ ni: name, err: error }, `${name}: ${text}`);
      this.errors.set(name, text);
      await this.instances.get(name)?.stop(true);
      this.instances.delete(name);
      this.#retrySoon();
    }
  }

  async #publishAndAttach(intent: InstanceIntent): Promise<void> {
    const instance = this.instances.get(intent.config.name)!;
    const gone =
      instance.intent?.vifs.filter(old => !intent.vifs.some(({ message }) => message.vif === old.message.vif)) ?? [];
    instance.publish(intent);
    const { netPath } = instance.namespace;
    for (const { message } of gone) await this.attacher.remove(message.vif, netPath);
    for (const { app, source, message } of intent.vifs) {
      const { vif, mac } = message;
      const wanted = { app, vif, mac, mtu: intent.config.mtu, device: source.device, netPath };
      await this.attacher.ensure(wanted, instance.interfaceStatus(vif)?.present);
    }
  }

  /** A VIF that vanished is made anew. */
  #managerTold(name: string): void {
    const instance = this.instances.get(name);
    const missing = instance?.intent?.vifs.some(({ message }) => {
      return (
        instance.interfaceStatus(message.vif)?.present === false && this.attacher.state(message.vif).state === 'online'
      );
    });
    if (missing) this.wake();
  }

  /** Its manager and services, then its VIFs. */
  async #end(instance: Instance): Promise<void> {
    await instance.stop(true);
    const vifs = instance.intent?.vifs.map(({ message }) => message.vif) ?? [];
    await this.attacher.removeAll(vifs, instance.namespace.netPath);
  }

  #niDirectory(name: string): string {
    return join(this.#options.runDirectory, 'ni', name);
  }

  #retrySoon(): void {
    if (this.#stopped) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.wake();
    }, RETRY_MS);
  }

  /** Waits until the config is in place. Gives what is not after the time. */
  async untilConverged(timeoutMs: number): Promise<string[]> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      await this.#passDone;
      const problems = this.#running ? ['a pass is going on'] : this.problems();
      if (problems.length === 0 || Date.now() > until) return problems;
      await sleep(20);
    }
  }
}

function vifKeys(config: DeviceConfig): Set<string> {
  const uuids = new Map(config.networkInstances.map(({ name, uuid }) => [name, uuid]));
  return new Set(
    config.apps.flatMap(app => app.interfaces.map(one => `${uuids.get(one.networkInstance)}/${app.uuid}/${one.name}`)),
  );
}

async function inParallel<T>(values: readonly T[], limit: number, work: (value: T) => Promise<void>): Promise<void> {
  const queue = [...values];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

/** Copies the manager's bundle to where every uid can read it, named by its content: old code stays while it runs. */
async function installCode(directory: string): Promise<string> {
  const here = fileURLToPath(import.meta.url);
  const candidates = [
    join(here, '../manager.cjs'),
    join(here, '../../manager.cjs'),
    join(here, '../../dist/manager.cjs'),
  ];
  for (const source of candidates) {
    const content = await readFile(source).catch(() => null);
    if (!content) continue;
    const target = join(directory, `${createHash('sha256').update(content).digest('hex').slice(0, 16)}.cjs`);
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    await copyFile(source, `${target}.new`);
    await rename(`${target}.new`, target);
    return target;
  }
  throw new Error(`the manager's bundle is missing (looked at ${candidates.join(', ')}); run \`npm run build\``);
}
