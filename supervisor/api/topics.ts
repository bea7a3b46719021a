/** Where the supervisor publishes one SupervisedInstance for each network instance. */
export const SUPERVISED_INSTANCE = { agent: 'supervisor', scope: 'device' };

/** The path of the WebSocket that carries pubsub. */
export const PUBSUB_PATH = '/v1/pubsub';
