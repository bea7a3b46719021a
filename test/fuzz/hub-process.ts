// The side that is fuzzed, in a process of its own: a hub on a Unix socket as the supervisor has one per network instance, and sessions
// that dial as it dials managers. It says by IPC what it is asked for, and dies like any program of what it did not foresee.
import { codecs } from '../../shared/proto/messages.ts';
import { connectUnix, Hub, identifySelf, listenUnix, Publication, Session } from '../../shared/pubsub/index.ts';
import { ASKED } from './frames.ts';

/** Dial at once: each ends with its connection and dials again. */
const SESSIONS = 6;
const BEAT_MS = 20;
const KEYS = 50;

const [directory] = process.argv.slice(2) as [string];
const identity = identifySelf('hub', '1');
const hub = new Hub();
const requests = new Publication({ agent: 'hub', scope: 'all', codec: codecs.DnsRequest });
hub.add(requests);
for (let key = 0; key < KEYS; key++)
  requests.set(`key-${key}`, { hostName: 'a.b', addresses: [], time: key, client: '' });

await listenUnix({
  ...{ path: `${directory}/hub.sock`, hub, identity },
  onPeer: peer => void (peer.hello?.agent === 'fuzz' && peer.subscribe(ASKED, codecs.ItemState, {})),
});
const sessions = Array.from({ length: SESSIONS }, () => {
  const connect = () => connectUnix(`${directory}/fuzz.sock`);
  const session = new Session({ connect, identity, hub, backoff: { firstMs: 1, maxMs: 1 } });
  session.subscribe(ASKED, codecs.ItemState, {});
  session.start();
  return session;
});

let beat = 0;
setInterval(() => {
  beat += 1;
  requests.set('beat', { hostName: 'beat', addresses: [], time: beat, client: '' });
}, BEAT_MS);

process.on('message', what => {
  if (what === 'end') {
    for (const session of sessions) session.close();
    process.exit(0);
  }
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ held: heapUsed + external, rss });
});
process.send?.('ready');
