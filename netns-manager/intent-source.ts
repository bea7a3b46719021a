import { join } from 'node:path';
import type { Log } from '../shared/log/log.ts';
import { SUPERVISOR_SOCKET } from '../shared/manager/options.ts';
import { type AppInterfaceConfig, codecs } from '../shared/proto/messages.ts';
import { connectUnix, type Identity, Session, topicName } from '../shared/pubsub/index.ts';
import type { Intent } from './intent.ts';

/** The supervisor watches the manager, not the other way: this only finds a connection that is dead without having ended. */
const PING_INTERVAL_MS = 30_000;

export interface IntentSourceOptions {
  /** The network instance's name. */
  name: string;
  runDirectory: string;
  identity: Identity;
  log: Log;
  onIntent: (intent: Intent) => void;
}

/** Puts together what the supervisor wants from its topics, whenever one of them changed and all are complete. */
export class IntentSource {
  readonly #session: Session;

  constructor({ name, runDirectory, identity, log, onIntent }: IntentSourceOptions) {
    const connect = () => connectUnix(join(runDirectory, SUPERVISOR_SOCKET));
    this.#session = new Session({ connect, identity, log, pingIntervalMs: PING_INTERVAL_MS });
    let isAssembling = false;
    const changed = () => {
      if (isAssembling) return;
      isAssembling = true;
      setImmediate(() => {
        isAssembling = false;
        const config = configs.entries.get(name);
        const isComplete = [configs, apps, uplinks, credentials].every(({ synchronized }) => synchronized);
        if (!config || !isComplete) return;
        onIntent({
          config,
          apps: [...apps.entries.values()].sort(byNumber),
          uplinks: [...uplinks.entries.values()],
          credentials: new Map(credentials.entries),
        });
      });
    };
    const handlers = { created: changed, modified: changed, deleted: changed, synchronized: changed };
    const topic = (messageType: string) => topicName('supervisor', name, messageType);
    const configs = this.#session.subscribe(topic('NetworkInstanceConfig'), codecs.NetworkInstanceConfig, handlers);
    const apps = this.#session.subscribe(topic('AppInterfaceConfig'), codecs.AppInterfaceConfig, handlers);
    const uplinks = this.#session.subscribe(topic('UplinkStatus'), codecs.UplinkStatus, handlers);
    const credentials = this.#session.subscribe(topic('VpnCredentials'), codecs.VpnCredentials, handlers);
  }

  start(): void {
    this.#session.start();
  }

  close(): void {
    this.#session.close();
  }
}

function byNumber(a: AppInterfaceConfig, b: AppInterfaceConfig): number {
  return a.vifNumber - b.vifNumber;
}
