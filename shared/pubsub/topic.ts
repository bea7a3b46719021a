import { PubsubError } from './errors.ts';

/** In bytes of UTF-8: leaves room for suffixes in a 255-byte file name. */
export const MAX_KEY_BYTES = 250;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const MESSAGE_TYPE = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;
/** A slash, a control character, or half of a surrogate pair. */
const FORBIDDEN_IN_KEY = /[/\p{Cc}\p{Cs}]/u;

/** A topic's parts. */
export interface Topic {
  agent: string;
  scope: string;
  messageType: string;
}

/** The topic's name on the wire: `<agent>/<scope>/<messageType>`. Throws ERR_BAD_TOPIC. */
export function topicName(agent: string, scope: string, messageType: string): string {
  const topic = `${agent}/${scope}/${messageType}`;
  parseTopic(topic);
  return topic;
}

/** Takes a topic's name apart. Throws ERR_BAD_TOPIC. */
export function parseTopic(topic: string): Topic {
  const [agent = '', scope = '', messageType = '', ...rest] = topic.split('/');
  if (rest.length > 0 || !NAME.test(agent) || !NAME.test(scope) || !MESSAGE_TYPE.test(messageType)) {
    throw new PubsubError(
      'ERR_BAD_TOPIC',
      `topic ${quote(topic)} is not "<agent>/<scope>/<message type>" of 1 to 63 letters, digits, "_", "." or "-" each`,
    );
  }
  return { agent, scope, messageType };
}

/** Throws ERR_BAD_KEY unless the key may name an entry (and a file). */
export function checkKey(key: string): void {
  let problem = '';
  if (key === '' || key === '.' || key === '..') problem = 'names no entry';
  else if (Buffer.byteLength(key) > MAX_KEY_BYTES) problem = `is longer than ${MAX_KEY_BYTES} bytes`;
  else if (FORBIDDEN_IN_KEY.test(key)) problem = 'has a slash, a control character or broken Unicode in it';
  if (problem) throw new PubsubError('ERR_BAD_KEY', `key ${quote(key)} ${problem}`);
}

export function isAgentName(name: string): boolean {
  return NAME.test(name);
}

/** For messages: what came from outside is cut and escaped. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
