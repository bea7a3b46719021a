import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { World } from '../../world/index.ts';
import { type LostPing, PingLedger } from './ping-ledger.ts';

/** 100 a second. */
const INTERVAL_SECONDS = '0.01';
/** Milliseconds after which an answer does not come any more. */
export const SETTLE_MS = 3_000;

/** Pings from an app to an address, all the time. */
export class Pings {
  readonly #world: World;
  readonly #app: string;
  readonly #target: string;
  #child: ChildProcess | null = null;
  #ledger = new PingLedger();
  #isStopped = false;
  #sentBefore = 0;
  #answeredBefore = 0;

  constructor(world: World, app: string, target: string) {
    this.#world = world;
    this.#app = app;
    this.#target = target;
    this.#spawn();
  }

  get lastReply(): number {
    return this.#ledger.lastReply;
  }

  get sent(): number {
    return this.#sentBefore + this.#ledger.sent;
  }

  get answered(): number {
    return this.#answeredBefore + this.#ledger.answered;
  }

  /** Takes out those that are lost for certain. */
  lost(): LostPing[] {
    return this.#ledger.settle(this.#ledger.lastLine - SETTLE_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise(resolve => child.once('close', resolve));
    child.kill('SIGINT');
    await closed;
  }

  #spawn(): void {
    const child = this.#world.spawn(this.#app, 'ping', ['-n', '-O', '-D', '-i', INTERVAL_SECONDS, this.#target]);
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', line => this.#ledger.read(line));
    child.stderr!.resume(); // "Network is unreachable": the number that is missing tells
    child.on('close', () => {
      if (this.#isStopped) return;
      // It gives up when its interface goes. What had no answer by then is lost among others: the cut accounts for it.
      this.#sentBefore += this.#ledger.sent;
      this.#answeredBefore += this.#ledger.answered;
      const { lastReply } = this.#ledger;
      this.#ledger = new PingLedger();
      this.#ledger.lastReply = lastReply;
      setTimeout(() => !this.#isStopped && this.#spawn(), 100);
    });
  }
}
