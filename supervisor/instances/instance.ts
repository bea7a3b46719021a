import { chownSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NetworkInstanceKind } from '../../shared/config/model.ts';
import type { SupervisionLimits } from '../../shared/config/supervision.ts';
import type { Log } from '../../shared/log/log.ts';
import { MANAGER_SOCKET, SUPERVISOR_SOCKET } from '../../shared/manager/options.ts';
import {
  type AppInterfaceConfig,
  type AppInterfaceStatus,
  type Codec,
  codecs,
  type FlowBatch,
  type Hello,
  type ItemState,
  type NetworkInstanceConfig,
  type NetworkInstanceMetrics,
  type NetworkInstanceStatus,
  type UplinkStatus,
  type VpnCredentials,
  type VpnStatus,
} from '../../shared/proto/messages.ts';
import {
  Hub,
  type Identity,
  type Listener,
  listenUnix,
  Publication,
  Session,
  type Subscription,
  topicName,
} from '../../shared/pubsub/index.ts';
import type { InstanceIntent } from '../intent/intents.ts';
import type { InstanceNamespace } from '../namespaces/namespaces.ts';
import type { InstanceResources } from '../resources/resources.ts';
import { dialManager } from '../supervise/dial-manager.ts';
import { type Code, Manager, type ManagerState } from '../supervise/manager.ts';
import { codeOf } from '../supervise/manager-code.ts';
import { ManagerProcess } from '../supervise/manager-process.ts';
import { runningManagers } from '../supervise/running-managers.ts';
import { MANAGER_LIMITS } from './limits.ts';

/** Time for a manager that already runs to answer, before one is spawned. */
const ADOPTION_MS = 1_500;
const POLL_MS = 20;
/** A try costs next to nothing; a manager is back within half a second. */
const REDIAL = { firstMs: 20, maxMs: 200 };
/** A manager in another state does not come into service by itself soon. */
const LIVING: readonly ManagerState[] = ['starting', 'running', 'suspect'];

export interface InstanceOptions {
  name: string;
  type: NetworkInstanceKind;
  prefix: string;
  code: Code;
  limits: () => SupervisionLimits;
  /** An operator stopped its manager: it is not started. */
  isStopped: boolean;
  namespace: InstanceNamespace;
  runDirectory: string;
  logDirectory: string;
  resources: InstanceResources;
  identity: Identity;
  /** Clients of the API see the NI's topics here. */
  apiHub: Hub;
  log: Log;
  /** Something that others may want to know changed. */
  onChange: () => void;
  /** Its manager started, ended, or is in touch. */
  onSupervised: () => void;
}

/** One running network instance as the supervisor sees it: its manager and the pubsub between the two. */
export class Instance {
  readonly #options: InstanceOptions;
  readonly namespace: InstanceNamespace;
  readonly manager: Manager;
  readonly #process: ManagerProcess;
  /** When its manager was last in touch, Unix milliseconds. */
  #lastInTouch = Date.now();
  readonly #session: Session;
  readonly #configs: Publication<NetworkInstanceConfig>;
  readonly #apps: Publication<AppInterfaceConfig>;
  readonly #uplinks: Publication<UplinkStatus>;
  /** Only on the NI's own socket: who may use the API need not know keys. */
  readonly #credentials: Publication<VpnCredentials>;
  readonly #relays: { remove(): void }[] = [];
  readonly #status: Subscription<NetworkInstanceStatus>;
  readonly #interfaces: Subscription<AppInterfaceStatus>;
  readonly #metrics: Subscription<NetworkInstanceMetrics>;
  readonly #flows: Subscription<FlowBatch>;
  readonly #items: Subscription<ItemState>;
  readonly #vpn: Subscription<VpnStatus>;
  #listener: Listener | null = null;
  intent: InstanceIntent | null = null;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.namespace = options.namespace;
    const scope = { agent: 'supervisor', scope: options.name };
    this.#configs = new Publication({ ...scope, codec: codecs.NetworkInstanceConfig });
    this.#apps = new Publication({ ...scope, codec: codecs.AppInterfaceConfig });
    this.#uplinks = new Publication({ ...scope, codec: codecs.UplinkStatus });
    this.#credentials = new Publication({ ...scope, codec: codecs.VpnCredentials });
    this.#process = new ManagerProcess({
      manager: {
        name: options.name,
        type: options.type,
        prefix: options.prefix,
        runDirectory: options.runDirectory,
        logDirectory: options.logDirectory,
        isolation: options.namespace.userPath ? 'user namespace' : 'capabilities',
      },
      namespace: options.namespace,
      tunDevice: options.type === 'vpn',
      resources: options.resources,
    });
    this.manager = new Manager({
      name: options.name,
      code: options.code,
      host: this.#process,
      limits: options.limits,
      missedPings: () => this.#session.missedPings,
      log: options.log,
      onChange: () => {
        options.onChange();
        options.onSupervised();
      },
    });
    this.#session = new Session({
      connect: () => dialManager(join(options.runDirectory, MANAGER_SOCKET), options.namespace.uid),
      identity: options.identity,
      log: options.log,
      expect: hello => {
        this.#process.vet(hello);
        const { pid } = this.manager;
        if (pid !== null && pid !== hello.pid) throw new Error(`the manager of ${options.name} is pid ${pid}`);
      },
      backoff: REDIAL,
      limits: MANAGER_LIMITS.telling,
      pingIntervalMs: options.limits().pingInterval * 1000,
    });
    this.#session.on('connected', hello => {
      this.manager.connected();
      // One that was adopted before it answered says now what it runs.
      const code = codeOf(dirname(options.code.file), hello.softwareVersion);
      if (code) this.manager.code = code;
    });
    this.#session.on('disconnected', () => {
      this.#lastInTouch = Date.now();
      this.manager.disconnected();
    });
    this.#status = this.#mirror(codecs.NetworkInstanceStatus);
    this.#interfaces = this.#mirror(codecs.AppInterfaceStatus);
    this.#metrics = this.#mirror(codecs.NetworkInstanceMetrics);
    this.#flows = this.#mirror(codecs.FlowBatch);
    this.#items = this.#mirror(codecs.ItemState);
    this.#vpn = this.#mirror(codecs.VpnStatus);
  }

  /** Opens its side of the pubsub, then takes over the manager that runs or starts one. */
  async start(): Promise<void> {
    const { runDirectory, namespace, identity, log } = this.#options;
    mkdirSync(dirname(runDirectory), { recursive: true, mode: 0o755 }); // on the way for every manager, whatever its uid
    const isNew = mkdirSync(runDirectory, { recursive: true, mode: 0o700 }) !== undefined;
    chownSync(runDirectory, namespace.uid, namespace.uid);
    const hub = new Hub();
    hub.add(this.#configs);
    hub.add(this.#apps);
    hub.add(this.#uplinks);
    hub.add(this.#credentials);
    this.#options.apiHub.add(this.#configs);
    this.#options.apiHub.add(this.#apps);
    this.#options.apiHub.add(this.#uplinks);
    const { uid } = namespace;
    this.#listener = await listenUnix({
      path: join(runDirectory, SUPERVISOR_SOCKET),
      staging: dirname(runDirectory),
      maxConnections: MANAGER_LIMITS.connections,
      limits: MANAGER_LIMITS.asking,
      uid,
      gid: uid,
      hub,
      identity,
      log,
    });
    this.#session.start();
    if (isNew || !(await this.#adopt())) {
      if (this.#options.isStopped) this.manager.leaveStopped();
      else this.manager.start();
    }
  }

  get name(): string {
    return this.#options.name;
  }

  /**
   * Waits until its manager is in service and, if asked for, has put the config in place. False when it is not in so many
   * milliseconds, or has died.
   */
  async untilInService(timeoutMs: number, { converged }: { converged: boolean }): Promise<boolean> {
    const until = Date.now() + timeoutMs;
    while (!(this.manager.state === 'running' && this.silence === null && (this.converged || !converged))) {
      if (Date.now() > until || !LIVING.includes(this.manager.state)) return false;
      await sleep(POLL_MS);
    }
    return true;
  }

  /** Tells the manager what is wanted. */
  publish(intent: InstanceIntent): void {
    const isChanged = this.intent !== null && this.intent.config.generation !== intent.config.generation;
    this.intent = intent;
    this.#apps.replaceAll(new Map(intent.vifs.map(({ message }) => [message.vif, message])));
    this.#uplinks.replaceAll(new Map(intent.uplinks.map(uplink => [uplink.name, uplink])));
    this.#credentials.replaceAll(new Map(intent.credentials.map(one => [one.tunnel, one])));
    this.#configs.set(this.#options.name, intent.config);
    if (isChanged) this.manager.configChanged();
  }

  get status(): NetworkInstanceStatus | undefined {
    return this.#status.entries.get(this.#options.name);
  }

  /** Seconds since its manager was last in touch: what it told is as old; null: it is in touch. */
  get silence(): number | null {
    return this.#status.synchronized ? null : Math.round((Date.now() - this.#lastInTouch) / 1000);
  }

  /** Its manager has put in place what was published last, and is in touch. */
  get converged(): boolean {
    const { status } = this;
    return (
      !this.#status.stale && status?.itemsInError === 0 && status.configGeneration === this.intent?.config.generation
    );
  }

  /** Its bridge is in place: a port that is moved in is bridged at once. */
  get hasBridge(): boolean {
    return (
      !this.#status.stale && this.items.some(({ kind, id, state }) => kind === 'link' && id === 'br' && state === 'ok')
    );
  }

  interfaceStatus(vif: string): AppInterfaceStatus | undefined {
    return this.#interfaces.entries.get(vif);
  }

  get metrics(): NetworkInstanceMetrics | undefined {
    return this.#metrics.entries.get(this.#options.name);
  }

  get vpn(): VpnStatus | undefined {
    return this.#vpn.entries.get(this.#options.name);
  }

  get flows(): FlowBatch[] {
    return [...this.#flows.entries.values()];
  }

  get items(): ItemState[] {
    return [...this.#items.entries.values()];
  }

  /** Ends the manager, with its services when the NI goes, and the pubsub. */
  async stop(withServices: boolean): Promise<void> {
    if (withServices) await this.manager.stop(true);
    this.#session.close();
    await this.#listener?.close();
    for (const publication of [this.#configs, this.#apps, this.#uplinks] as Publication<never>[]) {
      this.#options.apiHub.remove(publication);
    }
    for (const relay of this.#relays) relay.remove();
  }

  /** Takes over the manager of an earlier life; of several the one that answers, or the oldest. False: none runs. */
  async #adopt(): Promise<boolean> {
    const { name, namespace, log } = this.#options;
    const hello = await this.#answer();
    const running = runningManagers(name, namespace.inode);
    const adopted = hello ?? running[0];
    for (const other of running.filter(({ pid }) => pid !== adopted?.pid)) {
      log.warn({ ni: name, manager: other.pid }, `a second manager of ${name} ended`);
      this.#process.signal(other, 'SIGKILL');
    }
    if (!adopted) return false;
    const { pid, startTime } = adopted;
    log.info({ ni: name, manager: pid, version: hello?.softwareVersion }, `manager of ${name} adopted`);
    const code = codeOf(dirname(this.#options.code.file), hello?.softwareVersion ?? '');
    this.manager.adopt({ pid, startTime }, code ?? this.#options.code);
    if (hello && this.#session.state === 'connected') this.manager.connected();
    return true;
  }

  /** Who answers on the manager's socket, and is who he says; null: nobody in the time. */
  #answer(): Promise<Hello | null> {
    return new Promise(resolve => {
      const decide = () => {
        clearTimeout(timer);
        this.#session.off('connected', decide);
        resolve(this.#session.peer);
      };
      const timer = setTimeout(decide, ADOPTION_MS);
      dialManager(join(this.#options.runDirectory, MANAGER_SOCKET), this.namespace.uid).then(
        wire => {
          wire.destroy();
          if (this.#session.state === 'connected') decide();
          else this.#session.once('connected', decide);
        },
        decide, // nobody listens
      );
    });
  }

  /** Subscribes to a topic of the manager and offers the same to the API's clients. */
  #mirror<T>(codec: Codec<T>): Subscription<T> {
    const { name, apiHub, onChange } = this.#options;
    const relay = new Publication<T>({ agent: 'manager', scope: name, codec });
    apiHub.add(relay);
    this.#relays.push({ remove: () => apiHub.remove(relay) });
    const set = (key: string, value: T) => {
      relay.set(key, value);
      onChange();
    };
    return this.#session.subscribe(topicName('manager', name, codec.messageType), codec, {
      created: set,
      modified: set,
      deleted: key => {
        relay.delete(key);
        onChange();
      },
    });
  }
}
