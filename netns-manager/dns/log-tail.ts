import { watch } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
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
  #handle: FileHandle | null = null;
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
    await this.#openFile();
    this.#position = (await this.#handle?.stat())?.size ?? 0;
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
    await this.#handle?.close();
    this.#handle = null;
  }

  #soon(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.drain();
    }, DEBOUNCE_MS);
  }

  async #openFile(): Promise<void> {
    try {
      this.#handle = await open(this.#options.file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    this.#position = 0;
    this.#partial = '';
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    if (!this.#handle) await this.#openFile();
    // Looked at before reading: once the writer is in a new file it writes no more to this one.
    const current = await statOrNull(this.#options.file);
    await this.#readToEnd();
    const handle = this.#handle;
    if (!handle || !current) return;
    const ours = await handle.stat();
    if (current.ino !== ours.ino) {
      await handle.close();
      this.#handle = null;
      await this.#openFile();
      await this.#readToEnd();
    } else if (ours.size > this.#options.maxBytes()) {
      await rename(this.#options.file, predecessor(this.#options.file));
      this.#options.reopen();
    }
  }

  async #readToEnd(): Promise<void> {
    const handle = this.#handle;
    if (!handle) return;
    if ((await handle.stat()).size < this.#position) this.#position = 0; // somebody has emptied it
    for (;;) {
      const { bytesRead } = await handle.read(this.#buffer, 0, CHUNK_BYTES, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const lines = (this.#partial + this.#buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#partial = (lines.pop() ?? '').slice(0, MAX_LINE_BYTES);
      for (const line of lines) this.#options.onLine(line);
    }
  }
}

async function statOrNull(file: string) {
  try {
    return await stat(file);
  } catch {
    return null;
  }
}
