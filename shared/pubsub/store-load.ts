import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { keepAside } from '../state/keep-aside.ts';
import { syncDirectory } from '../state/plain-file.ts';
import { reasonOf } from './errors.ts';
import { decodeRecord } from './record.ts';
import { baseName, fileName, parseFileName } from './record-files.ts';

/** A file that could not be read as what it should be. */
export interface StoreProblem {
  file: string;
  reason: string;
  /** True: the value before it was taken from the backup. False: the value is lost. */
  recovered: boolean;
  /** Where the bad file is now; null: it could not be kept. */
  keptAs: string | null;
}

/** What was found in a store's directory. */
export interface LoadReport {
  loaded: number;
  /** Keys of which only the backup was there: the machine stopped in the middle of a write. */
  completed: string[];
  problems: StoreProblem[];
}

/** Reads a directory of records and puts it in order: see docs/pubsub.md, "Persistent topics". */
export function loadRecords(directory: string): { entries: Map<string, Uint8Array>; report: LoadReport } {
  const entries = new Map<string, Uint8Array>();
  const report: LoadReport = { loaded: 0, completed: [], problems: [] };
  const roles = new Map<string, Set<string>>();
  for (const name of readdirSync(directory).sort()) {
    const file = parseFileName(name);
    if (!file) continue;
    if (file.role === 'temporary') rmSync(join(directory, name), { force: true, recursive: true });
    else roles.set(file.base, (roles.get(file.base) ?? new Set()).add(file.role));
  }
  for (const [base, found] of roles) {
    const current = fileName(base, 'current');
    const backup = fileName(base, 'backup');
    const bad: StoreProblem[] = [];
    let record = found.has('current') ? read(directory, base, current, bad) : null;
    if (!record && found.has('backup')) {
      record = read(directory, base, backup, bad);
      if (record) {
        for (const problem of bad) problem.recovered = true;
        if (bad.length === 0) report.completed.push(record.key);
        renameSync(join(directory, backup), join(directory, current));
      }
    }
    if (record) entries.set(record.key, record.value);
    report.problems.push(...bad);
  }
  report.loaded = entries.size;
  if (report.problems.length > 0 || report.completed.length > 0) syncDirectory(directory);
  return { entries, report };
}

function read(directory: string, base: string, name: string, bad: StoreProblem[]) {
  try {
    const record = decodeRecord(readFileSync(join(directory, name)));
    if (baseName(record.key) !== base) throw new Error(`the record is of another key, ${JSON.stringify(record.key)}`);
    return record;
  } catch (error) {
    bad.push({ file: name, reason: reasonOf(error), recovered: false, keptAs: keepAside(directory, base, name) });
    return null;
  }
}
