import type { TestContext } from 'node:test';

interface Timer {
  due: number;
  every: number | null;
  callback: () => void;
  unref(): Timer;
}

/**
 * Stands in for setTimeout, setInterval and setImmediate during one test. (node:test's own mocked timers of Node 20 take the
 * wrong timer off their queue when a callback sets an earlier one.)
 */
export class FakeClock {
  #now = 0;
  #timers = new Set<Timer>();
  #immediates = new Set<Timer>();

  constructor(t: TestContext) {
    const { mock } = t;
    const clear = (timer?: unknown) => {
      this.#timers.delete(timer as Timer);
      this.#immediates.delete(timer as Timer);
    };
    const set = (callback: () => void, ms = 0) => this.#add(this.#timers, callback, Math.max(0, ms), null);
    const repeat = (callback: () => void, ms = 1) => this.#add(this.#timers, callback, ms, ms);
    const soon = (callback: () => void) => this.#add(this.#immediates, callback, 0, null);
    const replace = (name: string, fake: unknown) =>
      mock.method(globalThis, name as 'setTimeout', fake as typeof setTimeout);
    replace('setTimeout', set);
    replace('setInterval', repeat);
    replace('setImmediate', soon);
    for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) replace(name, clear);
  }

  /** What would keep a process alive. */
  get pending(): number {
    return this.#timers.size + this.#immediates.size;
  }

  /** Lets so many milliseconds pass; promises settle in between. */
  async pass(ms: number): Promise<void> {
    await this.#runDue();
    for (let i = 0; i < ms; i++) {
      this.#now++;
      await this.#runDue();
    }
  }

  async #runDue(): Promise<void> {
    for (;;) {
      for (let i = 0; i < 4; i++) await Promise.resolve();
      const immediates = [...this.#immediates];
      for (const timer of immediates) if (this.#immediates.delete(timer)) timer.callback();
      if (immediates.length > 0) continue;
      const [next] = [...this.#timers].filter(timer => timer.due <= this.#now).sort((a, b) => a.due - b.due);
      if (!next) return;
      if (next.every === null) this.#timers.delete(next);
      else next.due += next.every;
      next.callback();
    }
  }

  #add(queue: Set<Timer>, callback: () => void, ms: number, every: number | null): Timer {
    const timer: Timer = { due: this.#now + ms, every, callback, unref: () => timer };
    queue.add(timer);
    return timer;
  }
}
