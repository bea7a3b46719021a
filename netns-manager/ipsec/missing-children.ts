import type { IkeSa } from './sa.ts';

/** IKE SAs that are on their way out. */
const ENDING_STATES = new Set(['DELETING', 'DESTROYING']);
const ENDED_CHILD_STATES = new Set(['DELETING', 'DELETED', 'DESTROYING']);
/** Tasks that are about to bring a child SA. */
const CHILD_TASKS = ['CHILD_CREATE', 'QUICK_MODE', 'IKE_REAUTH'];

/** Pure: the children of a client's connection that neither are there nor are being made by charon. */
export function missingChildren(children: string[], sas: IkeSa[]): string[] {
  const alive = sas.filter(({ state }) => !ENDING_STATES.has(state));
  if (alive.some(({ state }) => state === 'CREATED' || state === 'CONNECTING')) return [];
  if (alive.some(({ tasks }) => tasks.some(task => CHILD_TASKS.includes(task)))) return [];
  const present = new Set(
    alive.flatMap(sa => sa.children.filter(({ state }) => !ENDED_CHILD_STATES.has(state)).map(({ name }) => name)),
  );
  return children.filter(child => !present.has(child));
}
