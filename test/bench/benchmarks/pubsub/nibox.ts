import { join } from 'node:path';
import { codecs } from '../../../../shared/proto/messages.ts';
import {
  connectUnix,
  Hub,
  identifySelf,
  listenUnix,
  Publication,
  Session,
  topicName,
} from '../../../../shared/pubsub/index.ts';
import type { Place, Transport } from './transport.ts';

const codec = codecs.ItemState;
const CONFIG = topicName('supervisor', 'ni1', codec.messageType);
const STATUS = topicName('manager', 'ni1', codec.messageType);
const ANSWER_KEY = 'status';

export const nibox: Transport = {
  name: 'nibox',
  role: 'nibox',

  async publisher(place, answered) {
    const hub = new Hub();
    const publication = new Publication({ agent: 'supervisor', scope: 'ni1', codec });
    hub.add(publication);
    await listenUnix({
      path: pathOf(place),
      hub,
      identity: identifySelf('supervisor', '0'),
      onPeer(peer) {
        const heard = (_key: string, message: Parameters<typeof answered>[0]) => answered(message);
        peer.subscribe(STATUS, codec, { created: heard, modified: heard });
      },
    });
    return {
      publish: message => void publication.set(message.id, message),
      flush: () => new Promise(resolve => setImmediate(resolve)),
      keep: async messages => publication.replaceAll(new Map(messages.map(message => [message.id, message]))),
      subscribers: () => publication.subscribers,
    };
  },

  async subscriber(place, heard) {
    const status = new Publication({ agent: 'manager', scope: 'ni1', codec });
    const hub = new Hub();
    hub.add(status);
    const session = openSession(place, hub);
    const tell = (_key: string, message: Parameters<typeof heard>[0]) => heard(message);
    await new Promise<void>(synchronized => {
      session.subscribe(CONFIG, codec, { created: tell, modified: tell, synchronized });
      session.start();
    });
    return {
      answer: message => void status.set(ANSWER_KEY, message),
      close: async () => session.close(),
    };
  },

  async sync(place) {
    const session = openSession(place, new Hub());
    const size = await new Promise<number>(resolve => {
      const subscription = session.subscribe(CONFIG, codec, {
        synchronized: () => resolve(subscription.entries.size),
      });
      session.start();
    });
    session.close();
    return size;
  },
};

function openSession(place: Place, hub: Hub): Session {
  return new Session({ connect: () => connectUnix(pathOf(place)), identity: identifySelf('manager', '0'), hub });
}

function pathOf({ directory }: Place): string {
  return join(directory, 'pubsub.sock');
}
