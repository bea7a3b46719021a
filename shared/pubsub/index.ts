/** Pubsub: tables of keyed messages, mirrored over any stream of bytes. See docs/pubsub.md. */
export { PubsubError, type PubsubErrorCode } from './errors.ts';
export { Hub } from './hub.ts';
export { type Identity, identifySelf } from './identity.ts';
export { Listener, type ListenOptions, listenUnix } from './listen-unix.ts';
export { type AcceptOptions, acceptWire, Peer, type PeerEvents } from './peer.ts';
export { Publication, type PublicationOptions } from './publication.ts';
export { Session, type SessionEvents, type SessionOptions } from './session.ts';
export { connectUnix, socketWire } from './socket-wire.ts';
export { Store, type StoreOptions } from './store.ts';
export type { LoadReport, StoreProblem } from './store-load.ts';
export type { Handlers, Subscription } from './subscription.ts';
export { checkKey, parseTopic, type Topic, topicName } from './topic.ts';
export { openWebSocket, webSocketWire } from './web-socket-wire.ts';
export type { Wire, WireEvents } from './wire.ts';
