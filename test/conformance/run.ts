import type { World } from '../world/index.ts';
import { Capture } from './capture.ts';
import { checks } from './catalogue.ts';
import type { Check, CheckContext } from './check.ts';
import { leakFilter } from './leak.ts';
import { type Nibox, type NiboxStatus, readStatus } from './nibox.ts';

export interface Result {
  id: string;
  title: string;
  ok: boolean;
  detail: string;
  /** other tier: it needs what only another tier of tests has. */
  status: 'ok' | 'failed' | 'not built' | 'other tier';
}

export interface RunOptions {
  world: World;
  nibox: Nibox;
  /** Only these checks, in any case; default all. */
  ids?: readonly string[] | undefined;
  /** Told each result as it comes. */
  onResult?: (result: Result) => void;
}

/** So many checks wait for something not to happen, two seconds each, that they run beside each other. */
const concurrency = 4;

/** Makes the checks and gives their results in order of their ids. Throws for an id that no check has. */
export async function runChecks({ world, nibox, ids, onResult }: RunOptions): Promise<Result[]> {
  const asked = select(ids);
  const results: Result[] = [];
  const report = (result: Result) => {
    results.push(result);
    onResult?.(result);
  };
  const status = await readStatus(nibox);
  const possible = asked.filter(check => {
    const missing = missingType(status, check.networkInstance) ?? missingGuest(status, check);
    if (missing) report({ id: check.id, title: check.title, ok: false, ...missing });
    return missing === undefined;
  });
  if (possible.length > 0) {
    const capture = await Capture.start(world, 'gw', leakFilter);
    try {
      await runAll(possible, { world, nibox, capture }, report);
    } finally {
      await capture.stop();
    }
  }
  return results.sort((a, b) => a.id.localeCompare(b.id));
}

function select(ids?: readonly string[]): readonly Check[] {
  if (!ids || ids.length === 0) return checks;
  const wanted = new Set(ids.map(id => id.toUpperCase()));
  const known = checks.map(({ id }) => id);
  const unknown = [...wanted].filter(id => !known.includes(id));
  if (unknown.length > 0) throw new Error(`no such check: ${unknown.join(', ')} (there are ${known.join(' ')})`);
  return checks.filter(({ id }) => wanted.has(id));
}

/** Those that can run together first, then one by one those that can't; the sum of it all (C27) is the last by its place. */
async function runAll(asked: readonly Check[], context: CheckContext, report: (result: Result) => void): Promise<void> {
  const runOne = async (check: Check) => {
    const verdict = await check.run(context);
    report({ id: check.id, title: check.title, ...verdict, status: verdict.ok ? 'ok' : 'failed' });
  };
  const queue = asked.filter(check => !check.alone);
  const worker = async () => {
    for (let check = queue.shift(); check; check = queue.shift()) await runOne(check);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  for (const check of asked.filter(check => check.alone && check.id !== lastCheck)) await runOne(check);
  for (const check of asked.filter(({ id }) => id === lastCheck)) await runOne(check);
}

/** It ends the capture and looks at everything that was captured. */
const lastCheck = 'C27';

/** Why a network instance can't be checked: its type does not exist yet. */
function missingType(status: NiboxStatus, name: string): Missing | undefined {
  const instance = status.networkInstances.find(candidate => candidate.name === name);
  const refused = instance?.state === 'error' && /not built/i.test(instance.error ?? '');
  return refused ? { status: 'not built', detail: `${name}: ${instance.error}` } : undefined;
}

/** Why a guest can't be checked: no app of this world is one. */
function missingGuest({ apps }: NiboxStatus, { needs, networkInstance }: Check): Missing | undefined {
  if (needs !== 'slow') return undefined;
  const interfaces = apps.flatMap(app => app.interfaces).filter(vif => vif.networkInstance === networkInstance);
  if (interfaces.some(({ attachment }) => attachment === 'tap')) return undefined;
  return {
    status: 'other tier',
    detail: `made by \`npm run test:slow\`: no app on ${networkInstance} is a guest here`,
  };
}

type Missing = Pick<Result, 'status' | 'detail'>;
