import { codecs, type ItemState } from '../../../../shared/proto/messages.ts';

/** Of the encoded message; what each contestant adds to it is its own affair. */
export const MESSAGE_BYTES = 172;
/** The `since` of message 0; its encoding has the same length for all that are sent. */
const FIRST = 1_760_000_000_000;

const pattern: ItemState = {
  kind: 'bridge-port',
  id: '0000',
  intended: '',
  actual: 'veth nbx1p1, master nbx1br, hairpin off, isolated',
  state: 'ok',
  error: '',
  since: FIRST,
  dependsOn: ['bridge|nbx1br', 'veth|nbx1p1'],
};
pattern.intended = 'x'.repeat(MESSAGE_BYTES - codecs.ItemState.encode(pattern).length - 2);

/** Message `sequence`, about one of `keys` items in turn. */
export function messageOf(sequence: number, keys: number): ItemState {
  return { ...pattern, id: idOf(sequence % keys), since: FIRST + sequence };
}

/** Which message that was. */
export function sequenceOf(message: ItemState): number {
  return message.since - FIRST;
}

const ids: string[] = [];

function idOf(item: number): string {
  ids[item] ??= String(item).padStart(4, '0');
  return ids[item];
}
