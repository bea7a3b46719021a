import { join } from 'node:path';
import type { DeviceConfig } from '../../shared/config/model.ts';
import type { Log } from '../../shared/log/log.ts';
import type { Hub, Identity } from '../../shared/pubsub/index.ts';
import type { Attacher } from '../attach/attacher.ts';
import { inParallel } from '../in-parallel.ts';
import type { InstanceIntent } from '../intent/intents.ts';
import type { InstanceTypes } from '../namespaces/instance-types.ts';
import type { Namespaces } from '../namespaces/namespaces.ts';
import { removeTree } from '../namespaces/remove-tree.ts';
import type { Resources } from '../resources/resources.ts';
import type { Managers } from '../supervise/managers.ts';
import type { SwitchPorts } from '../switch-ports/switch-ports.ts';
import { Instance } from './instance.ts';

export interface LivesOptions {
  prefix: string;
  logDirectory: string;
  directoryOf: (name: string) => string;
  identity: Identity;
  /** Clients of the API see the NIs' topics here. */
  apiHub: Hub;
  log: Log;
  config: () => DeviceConfig;
  namespaces: Namespaces;
  types: InstanceTypes;
  switchPorts: SwitchPorts;
  attacher: Attacher;
  managers: Managers;
  resources: Resources;
  /** Nothing more is begun. */
  isStopped: () => boolean;
  /** Something was done: a pass moves on. */
  onStep: () => void;
  /** Something has to be done again. */
  onMissing: () => void;
  /** A step failed: it is to be tried again soon. */
  onFailed: () => void;
  /** A manager started, ended, or is in touch. */
  onSupervised: () => void;
}

/** Ending is less work and more waiting than beginning. */
const PARALLEL_ENDS = 16;

/** The network instances that run: brought up, told what is wanted, their apps attached, ended. */
export class Lives {
  readonly #options: LivesOptions;
  readonly running: Map<string, Instance>;
  /** Why one does not run, by name. */
  readonly errors: Map<string, string>;

  constructor(running: Map<string, Instance>, errors: Map<string, string>, options: LivesOptions) {
    this.running = running;
    this.errors = errors;
    this.#options = options;
  }

  /** Makes an NI's namespaces, or finds them, and takes over its manager or starts one. A failure is kept in `errors`. */
  async bringUp(intent: InstanceIntent): Promise<void> {
    const { log, namespaces, types, resources, config, isStopped, onStep, onFailed } = this.#options;
    const { name } = intent.config;
    if (this.running.has(name) || isStopped()) return;
    onStep();
    resources.limit(name, intent.source.resources);
    try {
      const instance = this.#instance(intent, await namespaces.ensure(name, intent.number, config()));
      this.running.set(name, instance);
      instance.publish(intent);
      await instance.start();
      types.keep(name, intent.source.type);
      this.errors.delete(name);
    } catch (error) {
      const text = (error as Error).message;
      if (this.errors.get(name) !== text) log.error({ ni: name, err: error }, `${name}: ${text}`);
      this.errors.set(name, text);
      await this.running.get(name)?.stop(true);
      this.running.delete(name);
      onFailed();
    }
  }

  /**
   * Tells running NIs what concerns their inside only, before the device is looked at: a changed ACL waits for nothing else. True: there
   * was one to tell.
   */
  publishInner(intents: readonly InstanceIntent[]): boolean {
    let isTold = false;
    for (const intent of intents) {
      const instance = this.running.get(intent.config.name);
      if (!instance?.intent || linksOf(instance.intent) !== linksOf(intent)) continue;
      instance.publish(intent);
      isTold = true;
    }
    return isTold;
  }

  /** Tells a running NI what is wanted, and makes its VIFs. */
  async publishAndAttach(intent: InstanceIntent): Promise<void> {
    const { attacher, resources, onStep } = this.#options;
    onStep();
    const instance = this.running.get(intent.config.name)!;
    const gone =
      instance.intent?.vifs.filter(old => !intent.vifs.some(({ message }) => message.vif === old.message.vif)) ?? [];
    instance.publish(intent);
    resources.limit(intent.config.name, intent.source.resources);
    const { netPath, isFresh } = instance.namespace;
    for (const { message } of gone) await attacher.remove(message.vif, netPath);
    const wanted = intent.vifs.map(({ app, source, message: { vif, mac } }) => {
      return { app, vif, mac, mtu: intent.config.mtu, device: source.device, netPath };
    });
    await attacher.ensure(wanted, { present: vif => instance.interfaceStatus(vif)?.present, isFresh });
  }

  /** Removes NIs that are not wanted, or not of the type that they had: another type is another network instance. */
  async removeUnwanted(wanted: ReadonlyMap<string, string>): Promise<void> {
    const { namespaces, types, config } = this.#options;
    const unwanted = [...new Set([...this.running.keys(), ...(await namespaces.list())])].filter(name => {
      const type = wanted.get(name);
      return type === undefined || (types.read(name) ?? type) !== type;
    });
    await inParallel(unwanted, PARALLEL_ENDS, name => this.#remove(name));
    for (const name of this.errors.keys()) {
      if (!config().networkInstances.some(ni => ni.name === name)) this.errors.delete(name);
    }
  }

  /** Ends the managers and services of all, then their VIFs. `attempt` hears of each. */
  async endAll(attempt: (what: string, step: () => Promise<unknown>) => Promise<void>): Promise<void> {
    await inParallel([...this.running], PARALLEL_ENDS, ([name, instance]) =>
      attempt(`manager of ${name}`, () => this.#end(instance)),
    );
  }

  async #remove(name: string): Promise<void> {
    const { namespaces, types, switchPorts, resources, managers, directoryOf, log, onFailed } = this.#options;
    const instance = this.running.get(name);
    this.running.delete(name);
    if (instance) await this.#end(instance);
    await switchPorts.giveBack(name);
    if (switchPorts.isHolding(name)) {
      onFailed();
      return;
    }
    types.forget(name);
    await namespaces.remove(name);
    await resources.remove(name);
    await removeTree(directoryOf(name));
    managers.forget(name);
    log.info({ ni: name }, `network instance ${name} removed`);
  }

  async #end(instance: Instance): Promise<void> {
    await instance.stop(true);
    const vifs = instance.intent?.vifs.map(({ message }) => message.vif) ?? [];
    await this.#options.attacher.removeAll(vifs, instance.namespace.netPath);
  }

  #instance(intent: InstanceIntent, namespace: Instance['namespace']): Instance {
    const { prefix, logDirectory, directoryOf, identity, apiHub, log, config, managers, resources } = this.#options;
    const { name } = intent.config;
    return new Instance({
      name,
      type: intent.source.type,
      prefix,
      code: managers.code,
      limits: () => config().supervision,
      isStopped: managers.isStopped(name),
      namespace,
      runDirectory: directoryOf(name),
      logDirectory: join(logDirectory, name),
      resources: resources.of(name),
      identity,
      apiHub,
      log,
      onChange: () => this.#managerTold(name),
      onSupervised: this.#options.onSupervised,
    });
  }

  /** A VIF that vanished is made anew; an uplink is moved when there is a bridge for it, and looked for when it has gone. */
  #managerTold(name: string): void {
    const { switchPorts, attacher, onMissing } = this.#options;
    const instance = this.running.get(name);
    const absent = new Set(instance?.status?.ports.filter(port => port.state === 'absent').map(port => port.name));
    const moves = switchPorts
      .states(name)
      .some(
        port =>
          (port.state === 'pending' && instance?.hasBridge) || (port.state === 'held' && absent.has(port.interface)),
      );
    const missing = instance?.intent?.vifs.some(
      ({ message: { vif } }) => instance.interfaceStatus(vif)?.present === false && attacher.isSettled(vif),
    );
    if (moves || missing) onMissing();
  }
}

/** What the device's namespace has to do with it. */
function linksOf({ config, uplink, ports, vifs }: InstanceIntent): string {
  return JSON.stringify([config.port, config.transit, uplink, ports, vifs.map(({ message }) => message.vif)]);
}
