/** Failed items are tried again, ever more slowly. */
const RETRY_MS = { first: 500, most: 30_000 };
/** Between the beginnings of two passes while somebody undoes what they do. */
const FIGHT_GAP_MS = 1_000;

/** Makes passes one at a time: what comes meanwhile makes one more, and a pass that did not do everything is made again later. */
export class PassLoop {
  readonly #pass: () => Promise<boolean>;
  readonly #dueMs: () => number | null;
  #isRunning = false;
  #isStopped = false;
  #done: Promise<void> = Promise.resolve();
  #again = false;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = RETRY_MS.first;
  #beganAt = 0;

  /**
   * @param pass gives whether all is well; never throws
   * @param dueMs milliseconds until something that somebody else keeps undoing is to be looked at again; null: nothing is
   */
  constructor(pass: () => Promise<boolean>, dueMs: () => number | null = () => null) {
    this.#pass = pass;
    this.#dueMs = dueMs;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** One pass soon. */
  wake(): void {
    if (this.#isRunning) this.#again = true;
    else this.#done = this.#run();
  }

  /** No pass begins any more. Resolves when the one under way has come to its end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
    if (this.#retry) clearTimeout(this.#retry);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let isWell = true;
    do {
      const gap = this.#gapMs();
      if (gap > 0) await new Promise(done => setTimeout(done, gap));
      if (this.#isStopped) break;
      this.#again = false;
      this.#beganAt = performance.now();
      isWell = await this.#pass();
    } while (this.#again);
    this.#isRunning = false;
    if (this.#isStopped) return;
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    const due = this.#dueMs();
    if (isWell && due === null) this.#retryMs = RETRY_MS.first;
    else {
      this.#retry = setTimeout(() => this.wake(), isWell ? due! : Math.min(this.#retryMs, due ?? this.#retryMs));
      if (!isWell) this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most);
    }
  }

  /** Each undoing is an event, so passes would follow each other without end. */
  #gapMs(): number {
    return this.#dueMs() === null ? 0 : this.#beganAt + FIGHT_GAP_MS - performance.now();
  }
}
