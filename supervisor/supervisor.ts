import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { repeat } from '../shared/beat.ts';
import { EMPTY_CONFIG } from '../shared/config/empty.ts';
import type { DeviceConfig, NetworkInstance } from '../shared/config/model.ts';
import { continueStopped } from '../shared/kernel/continue-stopped.ts';
import type { Log } from '../shared/log/log.ts';
import { Hub, type Identity } from '../shared/pubsub/index.ts';
import type { StateReport } from '../shared/state/state-report.ts';
import { Allocator } from './allocate/allocator.ts';
import { learnRunningNumbers } from './allocate/running-numbers.ts';
import { Attacher } from './attach/attacher.ts';
import { type AuditReport, audit } from './audit/audit.ts';
import { ownedBySupervisor } from './audit/owned-by-supervisor.ts';
import { removeInstance } from './audit/remove-instance.ts';
import { numberKeys } from './audit/state.ts';
import { activeInstances } from './convergence.ts';
import { inParallel } from './in-parallel.ts';
import type { Instance } from './instances/instance.ts';
import { Lives } from './instances/lives.ts';
import { touchedInstances } from './intent/config-changes.ts';
import { type InstanceIntent, instanceIntents, rootInstance } from './intent/intents.ts';
import { rootUplinks, wantedPorts } from './intent/switch.ts';
import { loadBridgeNetfilter } from './modules/bridge-netfilter.ts';
import { InstanceTypes } from './namespaces/instance-types.ts';
import { Namespaces } from './namespaces/namespaces.ts';
import { removeTree } from './namespaces/remove-tree.ts';
import { Resources } from './resources/resources.ts';
import { detectForwardDrop } from './routing/forward-drop.ts';
import { type RootInstance, RootNetwork } from './routing/root-network.ts';
import { SilentChanges } from './silent-changes.ts';
import { keptKey } from './state/kept-key.ts';
import { Managers } from './supervise/managers.ts';
import { SupervisionTopic, supervisedInstances } from './supervise/supervision-topic.ts';
import { SwitchPorts } from './switch-ports/switch-ports.ts';
import { Progress } from './systemd/progress.ts';
import { observeUplinks, type Uplink } from './uplinks/observe.ts';

export interface SupervisorOptions {
  prefix: string;
  version: string;
  stateDirectory: string;
  runDirectory: string;
  logDirectory: string;
  resolvConf: string;
  identity: Identity;
  stateReport: StateReport;
  log: Log;
}

/** A pass, whatever the events said. */
const REREAD_MS = 60_000;
/** What makes no event is looked at that often. */
const SILENT_MS = 5_000;
const RETRY_MS = 1_000;
/** About what a manager needs to load its rules. */
const HEAD_START_MS = 30;
/** Somebody may have stopped a program that this process waits for by a signal. */
const LOOK_MS = 2_000;
/** Network instances that are worked on at once: each is mostly waiting for processes, and a small device must stay responsive. */
const PARALLEL = 4;
/** So many are brought up before those that run are connected. */
const CHUNK = 25;
/** Ending is less work and more waiting. */
const PARALLEL_ENDS = 16;

/** Keeps the device's network instances as its config wants them: namespaces, managers, root network, VIFs. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #log: Log;
  readonly #namespaces: Namespaces;
  readonly #types: InstanceTypes;
  readonly #root: RootNetwork;
  readonly #allocator: Allocator;
  #numbersKnown: boolean;
  readonly switchPorts: SwitchPorts;
  readonly #digestKey: Buffer;
  readonly attacher: Attacher;
  readonly managers: Managers;
  readonly resources: Resources;
  readonly instances = new Map<string, Instance>();
  readonly errors = new Map<string, string>();
  readonly #lives: Lives;
  readonly apiHub = new Hub();
  readonly #supervision = new SupervisionTopic(this.apiHub, () => supervisedInstances(this));
  warnings: string[] = [];
  /** Of the last look at the device's own namespace. */
  rootErrors: string[] = [];
  /** The config of the last pass that came to its end. */
  passed: DeviceConfig | null = null;
  config: DeviceConfig = EMPTY_CONFIG;
  /** As the last pass found them; null: there was none. */
  #uplinks: readonly Uplink[] | null = null;
  /** There is a config. */
  #isTold = false;
  #running = false;
  #again = false;
  /** What a former life left was looked for. */
  #swept = false;
  #stopped = false;
  #retry: NodeJS.Timeout | null = null;
  #watchers: (() => void)[] = [];
  #passDone: Promise<void> = Promise.resolve();
  readonly #progress = new Progress();
  readonly #silent: SilentChanges;
  #firstPassDone = () => {};
  /** Resolves when the first pass has come to its end. */
  readonly firstPass = new Promise<void>(resolve => {
    this.#firstPassDone = resolve;
  });

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#namespaces = new Namespaces({
      directory: join(options.runDirectory, 'ns'),
      instanceDirectory: name => this.#niDirectory(name),
      prefix: options.prefix,
      hidden: [options.runDirectory, options.stateDirectory],
      log: options.log,
    });
    this.#types = new InstanceTypes(join(options.runDirectory, 'ns'), options.stateReport);
    this.#root = new RootNetwork({
      prefix: options.prefix,
      log: options.log,
      stateFile: join(options.runDirectory, 'root.json'),
      stateReport: options.stateReport,
    });
    this.switchPorts = new SwitchPorts({
      prefix: options.prefix,
      log: options.log,
      directory: join(options.runDirectory, 'ports'),
      stateReport: options.stateReport,
      namespacePath: ni => this.#namespaces.netPath(ni),
    });
    this.#allocator = new Allocator(join(options.stateDirectory, 'numbers.json'), options.stateReport);
    this.#numbersKnown = this.#allocator.isKnown;
    this.managers = new Managers({
      instances: this.instances,
      limits: () => this.config.supervision,
      runDirectory: options.runDirectory,
      log: options.log,
    });
    this.#digestKey = keptKey(join(options.stateDirectory, 'digest.key'), options.stateReport);
    this.attacher = new Attacher(options.prefix, options.log);
    this.resources = new Resources({
      prefix: options.prefix,
      log: options.log,
      managers: () => [...this.instances].map(([name, { manager }]) => [name, manager.pid]),
      onExceeded: (name, detail) => this.instances.get(name)?.manager.exceeded(detail),
    });
    this.#silent = new SilentChanges(this, options.resolvConf);
    this.#lives = new Lives(this.instances, this.errors, {
      ...options,
      directoryOf: name => this.#niDirectory(name),
      apiHub: this.apiHub,
      config: () => this.config,
      namespaces: this.#namespaces,
      types: this.#types,
      switchPorts: this.switchPorts,
      attacher: this.attacher,
      managers: this.managers,
      resources: this.resources,
      isStopped: () => this.#stopped,
      onStep: () => this.#progress.step(),
      onMissing: () => this.wake(),
      onFailed: () => this.#retrySoon(),
      onSupervised: () => this.#supervision.update(),
    });
  }

  /** Begins to watch and to work. */
  async start(): Promise<void> {
    this.resources.start();
    await this.managers.installCode();
    this.#watchers.push(this.#root.watch(() => this.wake()));
    mkdirSync('/run/netns', { recursive: true });
    const watcher: FSWatcher = watch('/run/netns', () => this.wake());
    this.#watchers.push(() => watcher.close());
    this.#watchers.push(repeat(REREAD_MS, () => this.wake()));
    this.#watchers.push(repeat(SILENT_MS, () => void this.#lookForSilent()));
    this.#watchers.push(repeat(LOOK_MS, () => continueStopped()));
    this.warnings = [await detectForwardDrop(), await loadBridgeNetfilter()].filter(text => text !== null);
    for (const warning of this.warnings) this.#log.warn({}, warning);
  }

  /** Takes a new config and brings it about. */
  use(config: DeviceConfig): void {
    const touched = touchedInstances(this.config, config);
    this.config = config;
    this.#isTold = true;
    // The manager that has a changed ACL to load goes first, also where there is one core only.
    if (touched && this.#publishInner(config, touched)) setTimeout(() => this.wake(), HEAD_START_MS);
    else this.wake();
  }

  /** One pass soon. */
  wake(): void {
    // Without a config everything would be unwanted.
    if (this.#stopped || !this.#isTold) return;
    if (this.#running) this.#again = true;
    else this.#passDone = this.#pass();
  }

  async #lookForSilent(): Promise<void> {
    if (this.#running) return;
    const isDue = await this.#silent.any().catch(() => true); // the pass says what is wrong
    if (isDue) this.wake();
  }

  /** Finds what carries the prefix and has no owner, between two passes; with `fix` removes it. */
  async audit(fix: boolean): Promise<AuditReport> {
    while (this.#running) await this.#passDone;
    this.#running = true;
    const done = this.#audit(fix).finally(() => {
      this.#running = false;
      if (this.#again) this.wake();
    });
    this.#passDone = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  /** What somebody keeps undoing in the device's own namespace. */
  get rootFights(): string[] {
    return this.#root.fights.map(fight => `root network: ${fight}`);
  }

  /** False: a pass hangs. */
  get isMoving(): boolean {
    return this.#progress.isMoving;
  }

  /** Ends itself alone: managers, services and traffic go on. */
  async leave(): Promise<void> {
    await this.#cease();
    this.resources.leave();
  }

  /** Ends everything: managers with their services, namespaces, root network, run directory. Gives what went wrong. */
  async stop(): Promise<string[]> {
    await this.#cease();
    const problems: string[] = [];
    const attempt = async (what: string, step: () => Promise<unknown>) => {
      try {
        await step();
      } catch (error) {
        problems.push(`${what}: ${(error as Error).message}`);
      }
    };
    await this.#lives.endAll(attempt);
    // Before the namespaces go, and the links in them: and while the root network still filters.
    await attempt('uplinks of switches', async () => problems.push(...(await this.switchPorts.giveBack())));
    await attempt('root network', async () => problems.push(...(await this.#root.remove())));
    const named = new Set([...this.instances.keys(), ...(await this.#namespaces.list())]);
    const empty = [...named].filter(name => !this.switchPorts.isHolding(name));
    await inParallel(empty, PARALLEL_ENDS, name =>
      attempt(`namespace of ${name}`, () => this.#namespaces.remove(name)),
    );
    await inParallel(empty, PARALLEL_ENDS, name => this.resources.remove(name));
    // What could not be given back is known from here the next time.
    if (empty.length < named.size) return problems;
    await attempt('cgroups', async () => this.resources.close());
    await attempt('namespaces', () => this.#namespaces.close());
    await attempt('run directory', () => removeTree(this.#options.runDirectory));
    return problems;
  }

  async #cease(): Promise<void> {
    this.#stopped = true;
    if (this.#retry) clearTimeout(this.#retry);
    for (const stopWatching of this.#watchers) stopWatching();
    await this.#passDone;
  }

  async #pass(): Promise<void> {
    this.#running = true;
    do {
      this.#again = false;
      this.#progress.step();
      const { config } = this;
      try {
        await this.#passOnce(config);
      } catch (error) {
        this.#log.error({ err: error }, `a pass failed: ${(error as Error).message}`);
        this.#retrySoon();
      }
      if (this.passed === null) this.managers.replaceOld();
      this.passed = config;
      this.#firstPassDone();
      await this.#sweep();
      this.#supervision.update();
    } while (this.#again && !this.#stopped);
    this.#progress.end();
    this.#running = false;
  }

  /** Once, after the first pass: what belongs to this life is adopted, so what is left belongs to nobody. */
  async #sweep(): Promise<void> {
    if (this.#swept || this.#stopped) return;
    this.#swept = true;
    try {
      const { findings, problems } = await this.#audit(true);
      for (const problem of problems) this.#log.error({ problem }, `an orphan stays: ${problem}`);
      if (findings.length > 0) this.#log.warn({ findings }, 'some of what has no owner is still there');
    } catch (error) {
      this.#log.error({ err: error }, `what a former life left could not be looked for: ${(error as Error).message}`);
    }
  }

  #audit(fix: boolean): Promise<AuditReport> {
    const { prefix, runDirectory, stateDirectory } = this.#options;
    const { config, instances, switchPorts } = this;
    const [allocator, namespaces] = [this.#allocator, this.#namespaces];
    // Of one that is to be started again after its manager died, too: a roll that stopped leaves old code in service.
    const code = new Set([this.managers.code.file, ...[...instances.values()].map(({ manager }) => manager.code.file)]);
    return audit(
      {
        owned: ownedBySupervisor({ prefix, runDirectory, stateDirectory, config, allocator, instances, code }),
        ...{ config, namespaces, allocator, switchPorts },
        removeNamespace: name => removeInstance(name, { namespaces, switchPorts, runDirectory }),
      },
      {
        by: 'daemon',
        fix,
        onRemoved: ({ kind, name, why, how }) =>
          this.#log.warn({ orphan: true, kind, name, why, how }, `orphan removed: ${kind} ${name}: ${why}`),
      },
    );
  }

  /** A changed ACL waits for nothing else: not for a look at the device, nor for a pass that is under way. True: somebody was told. */
  #publishInner(config: DeviceConfig, touched: ReadonlySet<string>): boolean {
    if (this.#stopped || this.#uplinks === null) return false;
    try {
      const active = activeInstances(config).filter(({ name }) => touched.has(name));
      return this.#lives.publishInner(this.#intents(config, active, this.#uplinks));
    } catch (error) {
      this.#log.debug({ err: error }, 'not told before the pass');
      return false;
    }
  }

  #intents(config: DeviceConfig, active: readonly NetworkInstance[], uplinks: readonly Uplink[]): InstanceIntent[] {
    return instanceIntents(config, active, uplinks, this.#allocator, {
      prefix: this.#options.prefix,
      digestKey: this.#digestKey,
    });
  }

  async #passOnce(config: DeviceConfig): Promise<void> {
    this.#silent.note();
    const active = activeInstances(config);
    await this.#lives.removeUnwanted(new Map(active.map(({ name, type }) => [name, type])));
    await this.switchPorts.apply(wantedPorts(config, active, name => this.instances.get(name)?.hasBridge ?? false));
    const uplinks = await observeUplinks(config.uplinks, this.#options.resolvConf, this.switchPorts.held());
    // Before the first number is given out, when the file that had them is lost.
    if (!this.#numbersKnown) await learnRunningNumbers(config, this.#namespaces, this.#allocator, this.#log);
    this.#numbersKnown = true;
    this.#uplinks = uplinks;
    const intents = this.#intents(config, active, uplinks);
    const there = new Set(await this.#namespaces.list());
    const missing = intents.filter(({ config: { name } }) => !this.instances.has(name));
    // Those of an earlier life first and all of them: what is connected stays so.
    await inParallel(
      missing.filter(({ config: { name } }) => there.has(name)),
      PARALLEL,
      intent => this.#lives.bringUp(intent),
    );
    // Of hundreds of new ones the first need not wait for the last.
    const made = missing.filter(({ config: { name } }) => !there.has(name));
    for (let done = 0; done === 0 || done < made.length; done += CHUNK) {
      await inParallel(made.slice(done, done + CHUNK), PARALLEL, intent => this.#lives.bringUp(intent));
      await this.#connect(config, uplinks, intents);
    }
    const kept = numberKeys(config);
    this.#allocator.retain(kept.instances, kept.apps, kept.vifs);
  }

  /** Transit links, rules and routes of the network instances that run, then their apps. */
  async #connect(config: DeviceConfig, uplinks: readonly Uplink[], intents: readonly InstanceIntent[]): Promise<void> {
    const running = intents.filter(({ config: { name } }) => this.instances.has(name));
    const connected: RootInstance[] = [];
    for (const intent of intents) {
      const { name } = intent.config;
      // One whose manager can't be started keeps its links: its data plane may work.
      const namespace = this.instances.get(name)?.namespace ?? (await this.#namespaces.find(name));
      if (namespace) connected.push(rootInstance(intent, namespace.netPath));
    }
    const { errors } = await this.#root.apply({
      prefix: this.#options.prefix,
      transitPool: config.transitPool,
      forwardBetweenUplinks: config.forwardBetweenUplinks,
      uplinks: rootUplinks(uplinks, running),
      instances: connected,
    });
    this.rootErrors = errors.map(error => `root network: ${error}`);
    for (const [index, error] of errors.entries()) this.#log.error({ error }, this.rootErrors[index]!);
    if (errors.length > 0) this.#retrySoon();
    await inParallel(running, PARALLEL, async intent => {
      // What a newer config has told must not be taken back; the next pass is for that one.
      if (config === this.config) await this.#lives.publishAndAttach(intent);
    });
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
}
