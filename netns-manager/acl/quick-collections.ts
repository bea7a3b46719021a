import { setFlagsFromString } from 'node:v8';

/** From so many ACEs on, a pass makes megabytes of garbage. */
const MANY_ACES = 100;

let working = 0;

/**
 * Does work on that many ACEs. A manager is run so that each of V8's collections is a full one, which keeps it small
 * (docs/performance.md). While much is alive for a moment that takes far longer than the work itself, so it is off meanwhile: the next
 * collection after it takes what has been left.
 */
export async function withQuickCollections<T>(aces: number, work: () => Promise<T>): Promise<T> {
  if (aces < MANY_ACES || !process.execArgv.includes('--gc-global')) return await work();
  if (working++ === 0) setFlagsFromString('--no-gc-global');
  try {
    return await work();
  } finally {
    if (--working === 0) setFlagsFromString('--gc-global');
  }
}
