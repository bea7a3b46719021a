import { closeSync, fstatSync, openSync, readSync, renameSync, type Stats, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { predecessor } from '../../shared/log/log-limits.ts';

/** Read at once at most; a longer backlog takes several turns. */
const CHUNK_BYTES = 64 * 1024;
/** A line longer than this is cut: no line of dnsmasq's is. */
const MAX_LINE_BYTES = 8_192;
const DEBOUNCE_MS = 50;
/** Looked at without an event too, should one be lost. */
const POLL_MS = 30_000;

export interface LogTailOptions {
  file: string;
  /** The file is put aside as `<file>.1` beyond this size, so log and predecessor take at most about twice of it. */
  maxBytes: () => number;
  /** Complete lines, in order. */
  onLine: (line: string) => void;
  /** Makes the writer open its file anew (SIGUSR2 for dnsmasq); it must do so within some seconds. */
  reopen: () => void;
  onError: (error: Error) => void;
}

/** Follows a log file from its end on, and keeps it short. No line is lost in a rotation. */
export class LogTail {
  readonly #options: LogTailOptions;
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #descriptor: number | null = null;
  #position = 0;
  #partial = '';
  #timer: NodeJS.Timeout | null = null;
  #poll: NodeJS.Timeout | null = null;
  #watcher: ReturnType<typeof watch> | null = null;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: LogTailOptions) {
    this.#options = options;
  }

  /** Starts at the present end of the file. Its directory must exist, the file need not. */
  async start(): Promise<void> {
    this.#openFile();
    if (this.#descriptor !== null) this.#position = fstatSync(this.#descriptor).size;
    const { file, onError } = this.#options;
    this.#watcher = watch(dirname(file), (_event, name) => {
      if (name === null || name === basename(file)) this.#soon();
    });
    this.#watcher.on('error', onError);
    this.#poll = setInterval(() => this.#soon(), POLL_MS);
  }

  /** Reads all that has been written by now. */
  drain(): Promise<void> {
    this.#last = this.#last
      .then(() => this.#read())
      .catch(error => {
        if (!this.#isClosed) this.#options.onError(error as Error);
      });
    return this.#last;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watcher?.close();
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#poll) clearInterval(this.#poll);
    await this.#last;
    this.#closeFile();
  }

  #soon(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.drain();
    }, DEBOUNCE_MS);
  }

  #openFile(): void {
    try {
      this.#descriptor = openSync(this.#options.file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    this.#position = 0;
    this.#partial = '';
  }

  #closeFile(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#descriptor === null) this.#openFile();
    // Looked at before reading: once the writer is in a new file it writes no more to this one.
    const current = statOrNull(this.#options.file);
    await this.#readToEnd();
    if (this.#descriptor === null || !current) return;
    const ours = fstatSync(this.#descriptor);
    if (current.ino !== ours.ino) {
      this.#closeFile();
      this.#openFile();
      await this.#readToEnd();
    } else if (ours.size > this.#options.maxBytes()) {
      renameSync(this.#options.file, predecessor(this.#options.file));
      this.#options.reopen();
    }
  }

  /** Lets others have a turn after each chunk. */
  async #readToEnd(): Promise<void> {
    if (this.#descriptor === null) return;
    if (fstatSync(this.#descriptor).size < this.#position) this.#position = 0; // somebody has emptied it
    for (;;) {
      const bytesRead = readSync(this.#descriptor, this.#buffer, 0, CHUNK_BYTES, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const lines = (this.#partial + this.#buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#partial = (lines.pop() ?? '').slice(0, MAX_LINE_BYTES);
      for (const line of lines) this.#options.onLine(line);
      await new Promise(resolve => setImmediate(resolve));
    }
  }
}

function statOrNull(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}
