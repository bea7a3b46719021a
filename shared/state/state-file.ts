import { type BigIntStats, lstatSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { keepAside } from './keep-aside.ts';
import { readOwnFile, writeAtomic } from './plain-file.ts';
import { seal, unseal } from './seal.ts';
import type { StateReport } from './state-report.ts';

export interface StateFileOptions {
  /** Its path; the backup lies beside it as `<file>.bak`. */
  file: string;
  /** What it holds, in one word of `a-z-`: a file of another kind is not taken for it. */
  kind: string;
  /** Of the content. */
  version: number;
  report: StateReport;
  /** What is done when nothing of it can be read, in words: for the log and the status. */
  whenLost: string;
}

const RETRY_MS = 2_000;

/**
 * A small file of state in two copies, each written atomically and under a checksum. It is read once; from then on memory counts, and
 * a disk that is full or read-only only delays what is written.
 */
export class StateFile {
  readonly #options: StateFileOptions;
  readonly #backup: string;
  /** What should be on the disk; null: no file. */
  #content: string | null = null;
  /** What the copies looked like when they were written, to tell whether somebody touched them. */
  #written: string[] | null = null;
  #retry: NodeJS.Timeout | null = null;

  constructor(options: StateFileOptions) {
    this.#options = options;
    this.#backup = `${options.file}.bak`;
  }

  /** What `parse` makes of the content; null: there is none, or none that can be used. `parse` throws an Error that names what is wrong. */
  read<T>(parse: (content: string) => T): T | null {
    const { file, report, whenLost } = this.#options;
    const main = this.#readCopy(file, parse);
    const backup = this.#readCopy(this.#backup, parse);
    const good = main.found ?? backup.found;
    for (const [path, { fault }] of [
      [file, main],
      [this.#backup, backup],
    ] as const) {
      if (fault === null) continue;
      const outcome = !good ? whenLost : path === file ? 'its backup is used' : 'it is written anew';
      report.lost({
        file: path,
        reason: fault,
        outcome,
        keptAs: putAside(path),
      });
    }
    if (!good) return null;
    if (!main.found && main.fault === null) report.log.warn({ file }, `${file} is missing; its backup is used`);
    this.#content = good.content;
    if (main.found && main.found.content === backup.found?.content) this.#written = this.#look();
    else this.#save();
    return good.value;
  }

  /** Keeps a new content. False: it is not on the disk yet, which is told and tried again. */
  write(content: string): boolean {
    if (content === this.#content && this.#written !== null) return true;
    this.#content = content;
    return this.#save();
  }

  /** Writes it again when somebody removed or changed it meanwhile. */
  restore(): void {
    if (this.#content === null || this.#written === null || this.#retry) return;
    const now = this.#look();
    if (now.every((copy, index) => copy === this.#written?.[index])) return;
    this.#options.report.log.warn(
      { file: this.#options.file },
      `${this.#options.file} was touched; it is written anew`,
    );
    this.#save();
  }

  /** Removes it. False: it is still there, which is told and tried again. */
  remove(): boolean {
    this.#content = null;
    return this.#save();
  }

  #readCopy<T>(path: string, parse: (content: string) => T) {
    const { kind, version } = this.#options;
    try {
      const bytes = readOwnFile(path);
      if (bytes === null) return { found: null, fault: null };
      const content = unseal(kind, version, bytes);
      return { found: { content, value: parse(content) }, fault: null };
    } catch (error) {
      return { found: null, fault: (error as Error).message };
    }
  }

  /** The backup second: whenever it ends, one of them is whole, and the file itself is never the older one. */
  #save(): boolean {
    const { file, kind, version, report } = this.#options;
    this.#cancel();
    this.#written = null;
    const sealed = this.#content === null ? null : seal(kind, version, this.#content);
    try {
      for (const path of [file, this.#backup]) {
        // A file can't be renamed over a directory.
        if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) putAside(path);
        if (sealed === null) rmSync(path, { force: true });
        else writeAtomic(path, sealed);
      }
    } catch (error) {
      report.unsaved(file, (error as Error).message);
      this.#retry = setTimeout(() => this.#save(), RETRY_MS).unref();
      return false;
    }
    if (sealed !== null) this.#written = this.#look();
    report.saved(file);
    return true;
  }

  #look(): string[] {
    return [this.#options.file, this.#backup].map(path => {
      const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      return stats ? fingerprint(stats) : 'none';
    });
  }

  #cancel(): void {
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
  }
}

function putAside(path: string): string | null {
  return keepAside(dirname(path), basename(path), basename(path));
}

function fingerprint({ ino, size, mtimeNs, mode, uid }: BigIntStats): string {
  return [ino, size, mtimeNs, mode, uid].join(' ');
}
