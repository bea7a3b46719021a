import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { predecessor } from '../../shared/log/log-limits.ts';

/** Where a reader of a growing file stands. */
export interface Position {
  inode: number;
  offset: number;
  /** Inode of the file's predecessor; 0: there is none. Another one: the file was rotated. */
  before: number;
}

/** The last complete lines of a file, and where they end. */
export async function lastLines(path: string, count: number): Promise<{ lines: string[]; end: Position }> {
  const before = await inodeOf(predecessor(path));
  await using file = await openPlain(path);
  const { ino: inode, size } = await file.stat();
  const chunkBytes = 64 * 1024;
  let text = Buffer.alloc(0);
  let start = size;
  while (start > 0 && newlines(text) <= count) {
    const length = Math.min(chunkBytes, start);
    start -= length;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
    text = Buffer.concat([buffer.subarray(0, bytesRead), text]);
  }
  const complete = text.subarray(0, text.lastIndexOf(10) + 1);
  const lines = String(complete).split('\n').slice(0, -1);
  return { lines: count === 0 ? [] : lines.slice(-count), end: { inode, offset: start + complete.length, before } };
}

/** Reads on in a file. When it is rotated, moved or copied and emptied, what was not read yet comes from its predecessor. */
export class LogTail {
  readonly #path: string;
  #position: Position;
  #isShorter = false;
  #reading: Promise<string[]> = Promise.resolve([]);

  constructor(path: string, position: Position) {
    this.#path = path;
    this.#position = position;
  }

  /** The complete lines that have come since. */
  read(): Promise<string[]> {
    this.#reading = this.#reading.catch(() => []).then(() => this.#readOn());
    return this.#reading;
  }

  async #readOn(): Promise<string[]> {
    const before = await inodeOf(predecessor(this.#path));
    if (before !== this.#position.before && before !== 0) {
      const rest = await readFrom(predecessor(this.#path), this.#position.offset);
      this.#position = { inode: 0, offset: 0, before };
      this.#isShorter = false;
      return [...rest.lines, ...(await this.#readCurrent().catch(() => []))]; // it may not have begun yet
    }
    return this.#readCurrent();
  }

  async #readCurrent(): Promise<string[]> {
    const { inode, offset, before } = this.#position;
    const { ino, size } = await lstat(this.#path);
    const isAnother = (ino !== inode && inode !== 0) || size < offset;
    // In the middle of a rotation: the next look finds the predecessor. If not, somebody has emptied or replaced the file.
    if (isAnother && !this.#isShorter) {
      this.#isShorter = true;
      return [];
    }
    const from = isAnother || this.#isShorter ? 0 : offset;
    this.#isShorter = false;
    const { lines, end } = await readFrom(this.#path, from);
    this.#position = { inode: ino, offset: end, before };
    return lines;
  }
}

/** Complete lines of a file from an offset on, and where they end. */
async function readFrom(path: string, from: number): Promise<{ lines: string[]; end: number }> {
  await using file = await openPlain(path);
  const { size } = await file.stat();
  if (size <= from) return { lines: [], end: from };
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
  const text = buffer.subarray(0, bytesRead);
  const complete = text.subarray(0, text.lastIndexOf(10) + 1);
  return { lines: String(complete).split('\n').slice(0, -1), end: from + complete.length };
}

/** The directory belongs to a manager that may have been taken over: root does not read through a link, or wait at a pipe, in it. */
async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const found = await file.stat();
  if (found.isFile() && found.nlink === 1) return file;
  await file.close();
  throw new Error(`${path} is no plain file: it was replaced, look at it with \`ls -l\``);
}

async function inodeOf(path: string): Promise<number> {
  return lstat(path).then(
    ({ ino }) => ino,
    () => 0,
  );
}

const newlines = (text: Buffer) => text.reduce((count, byte) => (byte === 10 ? count + 1 : count), 0);
