import { readFileSync } from 'node:fs';
import { repeat } from '../beat.ts';

/** Some 15 microseconds a file: what makes no event of the kernel's is looked at that often. */
const INTERVAL_MS = 1_000;
/** In one look; those of hundreds of devices take turns. */
const MOST_FILES = 200;

/** Reads sysctls without starting a program, and tells when one is not what it was left as: most of them make no event. */
export class SysctlLook {
  readonly #onChange: () => void;
  readonly #read: (path: string) => string | null;
  #expected: [path: string, value: string][] = [];
  #next = 0;
  #stop: (() => void) | null = null;

  /** @param read for tests: the value at a path below /proc/sys, null when it is not there */
  constructor(onChange: () => void, read: (path: string) => string | null = readSysctl) {
    this.#onChange = onChange;
    this.#read = read;
  }

  /** What a pass has left behind: path below /proc/sys -> value. */
  expect(values: ReadonlyMap<string, string>): void {
    this.#expected = [...values];
    this.#next = 0;
    this.#stop ??= repeat(INTERVAL_MS, () => this.look());
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
  }

  look(): void {
    for (let count = Math.min(MOST_FILES, this.#expected.length); count > 0; count -= 1) {
      const [path, value] = this.#expected[this.#next]!;
      this.#next = (this.#next + 1) % this.#expected.length;
      const present = this.#read(path);
      if (present === null || present === value) continue;
      // Once: the pass that follows says anew what to expect.
      this.#expected = [];
      this.#onChange();
      return;
    }
  }
}

function readSysctl(path: string): string | null {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return null;
  }
}
