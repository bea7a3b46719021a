import { open } from 'node:fs/promises';

/** Where a reader of a growing file stands. */
export interface Position {
  inode: number;
  offset: number;
}

/** The last complete lines of a file, and where they end. */
export async function lastLines(path: string, count: number): Promise<{ lines: string[]; end: Position }> {
  await using file = await open(path, 'r');
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
  return { lines: count === 0 ? [] : lines.slice(-count), end: { inode, offset: start + complete.length } };
}

/** Reads on in a file, across truncation and rotation. */
export class LogTail {
  readonly #path: string;
  #position: Position;
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
    await using file = await open(this.#path, 'r');
    const { ino: inode, size } = await file.stat();
    const { offset } = this.#position;
    const from = inode === this.#position.inode && size >= offset ? offset : 0;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const text = buffer.subarray(0, bytesRead);
    const complete = text.subarray(0, text.lastIndexOf(10) + 1);
    this.#position = { inode, offset: from + complete.length };
    return String(complete).split('\n').slice(0, -1);
  }
}

const newlines = (text: Buffer) => text.reduce((count, byte) => (byte === 10 ? count + 1 : count), 0);
