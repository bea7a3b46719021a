import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which managers an operator stopped: files, so that the next supervisor knows. They go with the run directory, at a reboot too. */
export class StoppedByOperator {
  readonly #directory: string;
  readonly #names: Set<string>;

  constructor(directory: string) {
    this.#directory = directory;
    this.#names = new Set(namesIn(directory));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    this.#names.add(name);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#directory, name), '');
  }

  delete(name: string): void {
    if (this.#names.delete(name)) rmSync(join(this.#directory, name), { force: true });
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // nobody was stopped yet
  }
}
