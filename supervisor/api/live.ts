import { connect } from 'node:net';
import WebSocket from 'ws';
import { type Codec, codecs } from '../../shared/proto/messages.ts';
import {
  type Handlers,
  identifySelf,
  openWebSocket,
  Session,
  type Subscription,
  topicName,
} from '../../shared/pubsub/index.ts';
import { version } from '../version.ts';
import { PUBSUB_PATH, SUPERVISED_INSTANCE } from './topics.ts';

/** Of a network instance's manager: all that `nibox status` shows of it. */
const SHOWN = [codecs.NetworkInstanceStatus, codecs.AppInterfaceStatus, codecs.ItemState, codecs.VpnStatus] as const;
/** As the server's. */
const MAX_PAYLOAD_BYTES = 17 * 1024 * 1024;
/** What changes at once is told once. */
const SETTLE_MS = 100;

/** What moves, as it moves: a client of the API's WebSocket. It dials again for ever; `close` ends it. */
export class LiveClient {
  readonly #session: Session;

  constructor(socketPath: string) {
    this.#session = new Session({
      identity: identifySelf('cli', version),
      connect: () =>
        openWebSocket(
          new WebSocket(`ws://nibox${PUBSUB_PATH}`, {
            createConnection: () => connect(socketPath),
            maxPayload: MAX_PAYLOAD_BYTES,
            perMessageDeflate: false,
          }),
        ),
    });
    this.#session.start();
  }

  close(): void {
    this.#session.close();
  }

  /** Calls back when anything of the status may have changed, and when the daemon goes or comes. */
  onStatusChange(callback: () => void): void {
    let isDue = false;
    const changed = () => {
      if (isDue) return;
      isDue = true;
      setTimeout(() => {
        isDue = false;
        callback();
      }, SETTLE_MS);
    };
    const managers = new Map<string, { close(): void }[]>();
    const { agent, scope } = SUPERVISED_INSTANCE;
    this.#follow(agent, scope, codecs.SupervisedInstance, {
      created: name => {
        managers.set(
          name,
          SHOWN.map(codec => this.#follow('manager', name, codec as Codec<unknown>, allOf(changed))),
        );
        changed();
      },
      modified: changed,
      deleted: name => {
        for (const subscription of managers.get(name) ?? []) subscription.close();
        managers.delete(name);
        changed();
      },
      stale: changed,
      synchronized: changed,
    });
  }

  /** Follows a topic of a network instance's manager. */
  follow<T>(networkInstance: string, codec: Codec<T>, handlers: Handlers<T>): Subscription<T> {
    return this.#follow('manager', networkInstance, codec, handlers);
  }

  #follow<T>(agent: string, scope: string, codec: Codec<T>, handlers: Handlers<T>): Subscription<T> {
    return this.#session.subscribe(topicName(agent, scope, codec.messageType), codec, handlers);
  }
}

function allOf(callback: () => void): Handlers<unknown> {
  return { created: callback, modified: callback, deleted: callback, stale: callback, synchronized: callback };
}
