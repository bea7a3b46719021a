import type { ItemState } from '../../shared/proto/messages.ts';
import { ABSENT, type Item, itemKey } from './item.ts';

/**
 * The state of every item, by key.
 *
 * - "ok": it is as intended, and nothing failed.
 * - "error": something failed, and nothing that it depends on did.
 * - "pending": not as intended yet; `error` says what it waits for, if anything.
 * - "unwanted": it should not be there and is.
 *
 * @param items those that others depend on come first
 * @param errors item's key -> what went wrong; one without an item becomes one
 * @param before what this gave last, for `since`
 * @param now Unix milliseconds
 */
export function itemStates(
  items: readonly Item[],
  errors: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, ItemState>,
  now: number,
): Map<string, ItemState> {
  const states = new Map<string, ItemState>();
  const put = (item: Item, state: string, error: string) => {
    const { kind, id, intended, actual } = item;
    const key = itemKey(kind, id);
    const known = before.get(key);
    const since = known?.state === state ? known.since : now;
    states.set(key, { kind, id, intended, actual, state, error, since, dependsOn: [...item.dependsOn] });
  };
  for (const item of items) {
    const error = errors.get(itemKey(item.kind, item.id)) ?? '';
    const missing = item.dependsOn.filter(key => states.get(key)?.state !== 'ok');
    const failed = missing.filter(key => rootOf(key, states)?.state === 'error');
    const asIntended = item.intended === item.actual;
    if (asIntended && !error) put(item, 'ok', '');
    else if (!asIntended && failed.length > 0) put(item, 'pending', `waits for ${failed.join(', ')}`);
    else if (error) put(item, 'error', error);
    else if (item.intended === ABSENT) put(item, 'unwanted', '');
    else if (missing.length > 0) put(item, 'pending', `waits for ${missing.join(', ')}`);
    else put(item, 'pending', item.waitsFor && item.actual === ABSENT ? `waits for ${item.waitsFor}` : '');
  }
  for (const [key, error] of errors) {
    const [kind = '', ...rest] = key.split(':');
    if (!states.has(key))
      put({ kind, id: rest.join(':'), intended: ABSENT, actual: '', dependsOn: [] }, 'error', error);
  }
  return states;
}

/** Where the trouble of an item begins: the first thing that it waits for, directly or not, which is in error. */
function rootOf(key: string, states: ReadonlyMap<string, ItemState>): ItemState | undefined {
  const state = states.get(key);
  if (!state || state.state === 'error' || state.state === 'ok') return state;
  const roots = state.dependsOn.map(next => rootOf(next, states));
  return roots.find(root => root?.state === 'error') ?? state;
}
