/** So many seconds' worth of lines may come at once: a start of hundreds of network instances is no flood. */
const BURST_SECONDS = 10;
/** After that much time it is told what was left out, even when nobody logs any more. */
const TELL_MS = 1_000;

export interface LineLimiterOptions {
  linesPerSecond: number;
  write: (line: string) => void;
  /** The line that tells how many were left out. */
  tell: (leftOut: number) => string;
  /** Milliseconds that only grow. */
  now?: () => number;
}

/** Lets lines pass as long as there are not too many: a token bucket. Says how many it has left out. */
export class LineLimiter {
  readonly #options: LineLimiterOptions;
  readonly #now: () => number;
  #linesPerSecond: number;
  #tokens: number;
  #filledAt: number;
  #leftOut = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LineLimiterOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#linesPerSecond = options.linesPerSecond;
    this.#tokens = this.#linesPerSecond * BURST_SECONDS;
    this.#filledAt = this.#now();
  }

  set linesPerSecond(value: number) {
    this.#fill();
    this.#linesPerSecond = value;
    this.#tokens = Math.min(this.#tokens, value * BURST_SECONDS);
  }

  write(line: string): void {
    this.#fill();
    if (this.#leftOut > 0) this.#tellWhenMayBe();
    if (this.#leftOut === 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      this.#options.write(line);
      return;
    }
    this.#leftOut += 1;
    this.#timer ??= setTimeout(() => this.#look(), TELL_MS).unref();
  }

  /** Tells what was left out, whatever the limit: nothing comes after it. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#leftOut > 0) this.#tell();
  }

  #look(): void {
    this.#timer = null;
    this.#fill();
    this.#tellWhenMayBe();
    if (this.#leftOut > 0) this.#timer = setTimeout(() => this.#look(), TELL_MS).unref();
  }

  /** Once a second's worth of lines may pass again: else every other line would be a note. */
  #tellWhenMayBe(): void {
    if (this.#tokens < Math.max(2, this.#linesPerSecond)) return;
    this.#tokens -= 1;
    this.#tell();
  }

  #tell(): void {
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    if (leftOut > 0) this.#options.write(this.#options.tell(leftOut));
  }

  #fill(): void {
    const now = this.#now();
    const more = ((now - this.#filledAt) / 1000) * this.#linesPerSecond;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#tokens + more, Math.max(2, this.#linesPerSecond * BURST_SECONDS));
  }
}
