import { join } from 'node:path';
import { type Codec, codecs } from '../../shared/proto/messages.ts';
import { FrameDecoder } from '../../shared/pubsub/frame-decoder.ts';
import { FrameReader } from '../../shared/pubsub/frame-reader.ts';
import { connectUnix, identifySelf, Session, topicName, type Wire } from '../../shared/pubsub/index.ts';

/** An update or a deletion as it came. */
export interface Told {
  topic: string;
  key: string;
  bytes: number;
  /** The key had these very bytes already. */
  isRepeated: boolean;
}

/** One more subscriber of all that one side tells the other: what it gets, the other gets too. */
export class Eavesdropper {
  /** Since the last `forget`. */
  told: Told[] = [];
  readonly #session: Session;
  readonly #values = new Map<string, string>();
  /** Resolves when it has the snapshots. */
  readonly ready: Promise<void>;

  /** @param agent who tells: `supervisor` or `manager` */
  constructor(
    directory: string,
    agent: 'supervisor' | 'manager',
    networkInstance: string,
    types: readonly (keyof typeof codecs)[],
  ) {
    this.#session = new Session({
      connect: async () => this.#tapped(await connectUnix(join(directory, `${agent}.sock`))),
      identity: identifySelf('gate', '0'),
    });
    const complete = types.map(type => {
      const codec: Codec<unknown> = codecs[type] as Codec<unknown>;
      return new Promise<void>(resolve => {
        this.#session.subscribe(topicName(agent, networkInstance, codec.messageType), codec, { synchronized: resolve });
      });
    });
    this.ready = Promise.all(complete).then(() => {});
    this.#session.start();
  }

  /** What it was told so far is not counted. */
  forget(): void {
    this.told = [];
  }

  close(): void {
    this.#session.close();
  }

  #tapped(wire: Wire): Wire {
    const reader = new FrameReader();
    const decoder = new FrameDecoder();
    const note = (topic: string, key: string, bytes: number, value: string) => {
      const id = `${topic} ${key}`;
      this.told.push({ topic, key, bytes, isRepeated: this.#values.get(id) === value });
      this.#values.set(id, value);
    };
    return {
      ...wire,
      attach: events =>
        wire.attach({
          onBytes: bytes => {
            reader.push(Buffer.from(bytes), (buffer, start, end) => {
              decoder.decode(buffer, start, end, {
                update: (topic, key, value) => note(topic, key, end - start, Buffer.from(value).toString('base64')),
                delete: (topic, key) => note(topic, key, end - start, ''),
                control: () => {},
              });
              return true;
            });
            events.onBytes(bytes);
          },
          onDrain: () => events.onDrain(),
          onClose: error => events.onClose(error),
        }),
    };
  }
}

/** For a person: `supervisor/g1/AppInterfaceConfig nbu1x1: 120 bytes`. */
export const inWords = ({ topic, key, bytes, isRepeated }: Told): string =>
  `${topic} ${key}: ${bytes} bytes${isRepeated ? ', the same as before' : ''}`;
