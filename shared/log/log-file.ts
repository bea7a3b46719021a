import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { predecessor } from './log-limits.ts';

/**
 * A log file that stays short. Beyond its size it is copied to `<file>.1` and emptied, not moved: whoever else has it open to append,
 * such as a process's standard error, goes on writing to it. Errors are swallowed: a full disk must end nobody.
 */
export class LogFile {
  readonly #file: string;
  readonly #mode: number;
  maxBytes: number;
  #fd: number;
  /** The disk took only a part of the last line. */
  #isCut = false;

  /** Throws when the file can't be opened. */
  constructor(file: string, maxBytes: number, mode: number) {
    this.#file = file;
    this.#mode = mode;
    this.maxBytes = maxBytes;
    this.#fd = openSync(file, 'a', mode);
  }

  /** Appends a line with its newline. */
  write(line: string): void {
    try {
      this.#follow();
      if (fstatSync(this.#fd).size > this.maxBytes) this.#rotate();
      const text = this.#isCut ? `\n${line}` : line;
      this.#isCut = writeSync(this.#fd, text) < Buffer.byteLength(text);
    } catch {
      // no space, or read-only: maybe better another time
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Somebody may have moved or removed it: then a new one begins. */
  #follow(): void {
    const there = statSync(this.#file, { throwIfNoEntry: false });
    const ours = fstatSync(this.#fd);
    if (there?.ino === ours.ino && there.dev === ours.dev) return;
    const fd = openSync(this.#file, 'a', this.#mode);
    closeSync(this.#fd);
    this.#fd = fd;
  }

  #rotate(): void {
    const copy = `${predecessor(this.#file)}.new`;
    try {
      // Never through a link or into a pipe that somebody has put there.
      rmSync(copy, { force: true });
      copyFileSync(this.#file, copy);
    } catch {
      rmSync(copy, { force: true }); // no space for both: the old lines go
      ftruncateSync(this.#fd);
      return;
    }
    ftruncateSync(this.#fd);
    renameSync(copy, predecessor(this.#file));
  }
}
