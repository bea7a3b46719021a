import { chownSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../../shared/log/log.ts';
import { MANAGER_SOCKET, SUPERVISOR_SOCKET } from '../../shared/manager/options.ts';
import {
  type AppInterfaceConfig,
  type AppInterfaceStatus,
  type Codec,
  codecs,
  type FlowBatch,
  type NetworkInstanceConfig,
  type NetworkInstanceMetrics,
  type NetworkInstanceStatus,
  type UplinkStatus,
} from '../../shared/proto/messages.ts';
import {
  connectUnix,
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
import { Manager } from '../supervise/manager.ts';

/** Time for a manager that already runs to answer, before one is spawned. */
const ADOPTION_MS = 1_500;

export interface InstanceOptions {
  name: string;
  prefix: string;
  version: string;
  code: string;
  namespace: InstanceNamespace;
  runDirectory: string;
  logDirectory: string;
  identity: Identity;
  /** Clients of the API see the NI's topics here. */
  apiHub: Hub;
  log: Log;
  /** Something that others may want to know changed. */
  onChange: () => void;
}

/** One running network instance as the supervisor sees it: its manager and the pubsub between the two. */
export class Instance {
  readonly #options: InstanceOptions;
  readonly namespace: InstanceNamespace;
  readonly manager: Manager;
  readonly #session: Session;
  readonly #configs: Publication<NetworkInstanceConfig>;
  readonly #apps: Publication<AppInterfaceConfig>;
  readonly #uplinks: Publication<UplinkStatus>;
  readonly #relays: { remove(): void }[] = [];
  readonly #status: Subscription<NetworkInstanceStatus>;
  readonly #interfaces: Subscription<AppInterfaceStatus>;
  readonly #metrics: Subscription<NetworkInstanceMetrics>;
  readonly #flows: Subscription<FlowBatch>;
  #listener: Listener | null = null;
  intent: InstanceIntent | null = null;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.namespace = options.namespace;
    const scope = { agent: 'supervisor', scope: options.name };
    this.#configs = new Publication({ ...scope, codec: codecs.NetworkInstanceConfig });
    this.#apps = new Publication({ ...scope, codec: codecs.AppInterfaceConfig });
    this.#uplinks = new Publication({ ...scope, codec: codecs.UplinkStatus });
    this.manager = new Manager({
      manager: {
        name: options.name,
        prefix: options.prefix,
        version: options.version,
        runDirectory: options.runDirectory,
        logDirectory: options.logDirectory,
        isolation: options.namespace.userPath ? 'user namespace' : 'capabilities',
      },
      code: options.code,
      namespace: options.namespace,
      log: options.log,
      onChange: options.onChange,
    });
    this.#session = new Session({
      connect: () => connectUnix(join(options.runDirectory, MANAGER_SOCKET)),
      identity: options.identity,
      log: options.log,
      expect: hello => {
        if (hello.netnsInode !== options.namespace.inode) {
          throw new Error(`who answers at ${MANAGER_SOCKET} of ${options.name} lives in another namespace`);
        }
      },
      backoff: { firstMs: 20, maxMs: 1_000 },
    });
    this.#session.on('connected', () => this.manager.ready());
    this.#status = this.#mirror(codecs.NetworkInstanceStatus);
    this.#interfaces = this.#mirror(codecs.AppInterfaceStatus);
    this.#metrics = this.#mirror(codecs.NetworkInstanceMetrics);
    this.#flows = this.#mirror(codecs.FlowBatch);
  }

  /** Opens its side of the pubsub, then takes over the manager that runs or starts one. */
  async start(): Promise<void> {
    const { runDirectory, namespace, identity, log } = this.#options;
    mkdirSync(dirname(runDirectory), { recursive: true, mode: 0o755 }); // on the way for every manager, whatever its uid
    mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
    chownSync(runDirectory, namespace.uid, namespace.uid);
    const hub = new Hub();
    hub.add(this.#configs);
    hub.add(this.#apps);
    hub.add(this.#uplinks);
    this.#options.apiHub.add(this.#configs);
    this.#options.apiHub.add(this.#apps);
    this.#options.apiHub.add(this.#uplinks);
    const { uid } = namespace;
    this.#listener = await listenUnix({
      path: join(runDirectory, SUPERVISOR_SOCKET),
      uid,
      gid: uid,
      hub,
      identity,
      log,
    });
    this.#session.start();
    const pid = await this.#runningManager();
    if (pid === null) this.manager.start();
    else {
      log.info({ ni: this.#options.name, manager: pid }, `manager of ${this.#options.name} adopted`);
      this.manager.adopt(pid);
    }
  }

  /** Tells the manager what is wanted. */
  publish(intent: InstanceIntent): void {
    this.intent = intent;
    this.#apps.replaceAll(new Map(intent.vifs.map(({ message }) => [message.vif, message])));
    this.#uplinks.replaceAll(new Map(intent.uplinks.map(uplink => [uplink.name, uplink])));
    this.#configs.set(this.#options.name, intent.config);
  }

  get status(): NetworkInstanceStatus | undefined {
    return this.#status.entries.get(this.#options.name);
  }

  /** Its manager has put in place what was published last, and is in touch. */
  get converged(): boolean {
    const { status } = this;
    return (
      !this.#status.stale && status?.itemsInError === 0 && status.configGeneration === this.intent?.config.generation
    );
  }

  interfaceStatus(vif: string): AppInterfaceStatus | undefined {
    return this.#interfaces.entries.get(vif);
  }

  get metrics(): NetworkInstanceMetrics | undefined {
    return this.#metrics.entries.get(this.#options.name);
  }

  get flows(): FlowBatch[] {
    return [...this.#flows.entries.values()];
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

  /** The pid of the manager that answers on its socket and lives in our namespace. */
  #runningManager(): Promise<number | null> {
    return new Promise(resolve => {
      const decide = () => {
        clearTimeout(timer);
        this.#session.off('connected', decide);
        this.#session.off('disconnected', decide);
        resolve(this.#session.state === 'connected' ? (this.#session.peer?.pid ?? null) : null);
      };
      const timer = setTimeout(decide, ADOPTION_MS);
      connectUnix(join(this.#options.runDirectory, MANAGER_SOCKET)).then(
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
