import type { World } from '../world/index.ts';
import { Capture } from './capture.ts';
import { checks, type PlannedCheck, plannedChecks } from './catalogue.ts';
import type { Check, CheckContext } from './check.ts';
import { leakFilter } from './leak.ts';
import { type Nibox, type NiboxStatus, readStatus } from './nibox.ts';

export interface Result {
  id: string;
  title: string;
  ok: boolean;
  detail: string;
  status: 'ok' | 'failed' | 'not built';
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
  for (const planned of asked.planned) report(notBuilt(planned, `waits for ${planned.waitsFor}`));

  const status = await readStatus(nibox);
  const possible = asked.checks.filter(check => {
    const reason = missingType(status, check.networkInstance);
    if (reason !== undefined) report(notBuilt(check, reason));
    return reason === undefined;
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

/** Every check id there is. */
export function checkIds(): string[] {
  return [...checks, ...plannedChecks].map(({ id }) => id).sort();
}

function select(ids?: readonly string[]): { checks: readonly Check[]; planned: readonly PlannedCheck[] } {
  if (!ids || ids.length === 0) return { checks, planned: plannedChecks };
  const wanted = new Set(ids.map(id => id.toUpperCase()));
  const unknown = [...wanted].filter(id => !checkIds().includes(id));
  if (unknown.length > 0) throw new Error(`no such check: ${unknown.join(', ')} (there are ${checkIds().join(' ')})`);
  const isWanted = ({ id }: { id: string }) => wanted.has(id);
  return { checks: checks.filter(isWanted), planned: plannedChecks.filter(isWanted) };
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
function missingType(status: NiboxStatus, name: string): string | undefined {
  const instance = status.networkInstances.find(candidate => candidate.name === name);
  const refused = instance?.state === 'error' && /not built/i.test(instance.error ?? '');
  return refused ? `${name}: ${instance.error}` : undefined;
}

function notBuilt({ id, title }: { id: string; title: string }, detail: string): Result {
  return { id, title, ok: false, detail, status: 'not built' };
}
