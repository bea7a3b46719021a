import { mkdirSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Log, silentLog } from '../log/log.ts';
import { keepAside } from '../state/keep-aside.ts';
import { syncDirectory } from '../state/plain-file.ts';
import { reasonOf } from './errors.ts';
import { encodeRecord } from './record.ts';
import { baseName, fileName, RESTART_COUNT_KEY } from './record-files.ts';
import { type LoadReport, loadRecords } from './store-load.ts';

export interface StoreOptions {
  /** Of this store alone; made with mode 0700 when missing. */
  directory: string;
  log?: Log;
}

/** Keys written before the directory is synchronized once for all of them. */
const KEYS_PER_SYNC = 64;
const RETRY_MS = 1000;

/**
 * The files of one persistent topic. Reading happens in the constructor. Writes go one after the other in the background, each
 * key's latest value only. A crash loses what was changed since the last `flush` that had ended, key by key: each key is then
 * either as it was or as it should be, never a mix.
 */
export class Store {
  readonly directory: string;
  /** What was loaded. */
  readonly entries: ReadonlyMap<string, Uint8Array>;
  readonly restartCount: number;
  /** How loading went; later findings are appended. */
  readonly report: LoadReport;
  readonly #log: Log;
  /** Values that are not on the disk yet; null: to be removed. */
  readonly #pending = new Map<string, Uint8Array | null>();
  #writing: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;

  constructor(options: StoreOptions) {
    this.directory = options.directory;
    this.#log = options.log ?? silentLog;
    if (mkdirSync(this.directory, { recursive: true, mode: 0o700 })) syncDirectory(dirname(this.directory));
    const { entries, report } = loadRecords(this.directory);
    const count = entries.get(RESTART_COUNT_KEY);
    entries.delete(RESTART_COUNT_KEY);
    this.entries = entries;
    this.restartCount = count ? Number(Buffer.from(count).toString()) >>> 0 : 0;
    this.report = report;
    report.loaded = entries.size;
    for (const problem of report.problems) {
      const outcome = problem.recovered ? 'its backup is used' : 'its value is lost';
      this.#log.error({ directory: this.directory, ...problem }, `a stored value can't be read, ${outcome}`);
    }
    if (report.completed.length > 0) {
      this.#log.warn(
        { directory: this.directory, keys: report.completed },
        'an interrupted write left the value before',
      );
    }
  }

  put(key: string, value: Uint8Array): void {
    this.#pending.set(key, value);
    this.#start();
  }

  remove(key: string): void {
    this.#pending.set(key, null);
    this.#start();
  }

  putRestartCount(count: number): void {
    this.put(RESTART_COUNT_KEY, Buffer.from(String(count)));
  }

  /** For the publication: a value that was loaded makes no sense. It is kept aside and reported. */
  putAside(key: string, reason: string): void {
    const base = baseName(key);
    const file = fileName(base, 'current');
    const keptAs = keepAside(this.directory, base, file);
    keepAside(this.directory, base, fileName(base, 'backup')); // else the next start would take it for the value
    this.report.problems.push({ file, reason, recovered: false, keptAs });
  }

  /** Resolves when everything put so far is on the disk. Rejects when a write fails; that is tried again later. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) {
      this.#start();
      await this.#writing;
    }
  }

  #start(): void {
    if (this.#writing) return;
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = null;
    });
    this.#writing.catch(error => {
      this.#log.error({ directory: this.directory, reason: reasonOf(error) }, "values can't be stored, will try again");
      this.#retry ??= setTimeout(() => this.#start(), RETRY_MS).unref();
    });
  }

  /** One bad key does not keep the others from being written; it fails the whole at the end. */
  async #writeAll(): Promise<void> {
    const failures = new Map<string, unknown>();
    for (;;) {
      const some = [...this.#pending].filter(([key]) => !failures.has(key)).slice(0, KEYS_PER_SYNC);
      if (some.length === 0) break;
      for (const [key, value] of some) {
        await (value ? this.#write(key, value) : this.#unlink(key)).catch(error => failures.set(key, error));
      }
      await this.#syncDirectory();
      for (const [key, value] of some) {
        if (!failures.has(key) && this.#pending.get(key) === value) this.#pending.delete(key);
      }
    }
    for (const [key, error] of failures) throw new Error(`"${key}": ${reasonOf(error)}`, { cause: error });
  }

  /** The value before becomes the backup; whichever step is the last one done, current or backup is whole. */
  async #write(key: string, value: Uint8Array): Promise<void> {
    const base = baseName(key);
    const temporary = this.#path(fileName(base, 'temporary'));
    const current = this.#path(fileName(base, 'current'));
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(encodeRecord(key, value));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(current, this.#path(fileName(base, 'backup'))).catch(ignoreMissing);
    await rename(temporary, current);
  }

  /** Backup first: the other way round a crash in between would bring an old value back. */
  async #unlink(key: string): Promise<void> {
    const base = baseName(key);
    await rm(this.#path(fileName(base, 'backup')), { force: true });
    await rm(this.#path(fileName(base, 'current')), { force: true });
  }

  async #syncDirectory(): Promise<void> {
    const handle = await open(this.directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  #path(name: string): string {
    return join(this.directory, name);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
