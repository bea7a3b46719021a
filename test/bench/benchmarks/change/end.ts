import type { ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { World } from '../../../world/index.ts';

const PROGRAM = 'test/bench/benchmarks/change/datagrams.ts';

/** Talks with a `datagrams.ts` in a namespace of the world. */
export class End {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(world: World, namespace: string) {
    this.#child = world.spawn(namespace, process.execPath, ['--import', 'tsx', PROGRAM]);
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Says a line and waits for the answer; throws when that is another one than expected. */
  async ask(line: string, expected: string): Promise<void> {
    this.#child.stdin!.write(`${line}\n`);
    const answer = await this.#next();
    if (answer !== expected) throw new Error(`\`${line}\` was answered by ${JSON.stringify(answer)}`);
  }

  /** When the first datagram came, in milliseconds of the monotonic clock. */
  async arrival(timeoutMs: number): Promise<number> {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`no datagram came through within ${timeoutMs} ms`)), timeoutMs).unref();
    });
    const answer = await Promise.race([this.#next(), late]);
    return Number(answer.split(' ')[1]) / 1e6;
  }

  close(): void {
    this.#reader.close();
    this.#child.kill();
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the other end has ended');
    return value;
  }
}
