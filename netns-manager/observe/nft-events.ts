import { isNftChange } from './kernel-lines.ts';

/** The end of a transaction in `nft monitor`: who made it. */
const GENERATION = /^# new generation \d+ by process (\d+)/;
/** Transactions of ours whose events may still come; far fewer are under way at once. */
const MOST_OWN = 64;

/** Tells other people's changes of the rules from the manager's own, by the process that made them. */
export class NftEvents {
  readonly #own = new Set<number>();
  #isChange = false;

  /** A process of ours will make one transaction. */
  readonly begun = (pid: number): void => {
    this.#own.add(pid);
    const [oldest = pid] = this.#own;
    if (this.#own.size > MOST_OWN) this.#own.delete(oldest);
  };

  /** Takes a line of `nft monitor`; true: with it a transaction of somebody else is complete, and changed what the manager keeps. */
  line(text: string): boolean {
    const maker = GENERATION.exec(text)?.[1];
    if (maker === undefined) {
      this.#isChange ||= isNftChange(text);
      return false;
    }
    const isChange = this.#isChange && !this.#own.delete(Number(maker));
    this.#isChange = false;
    return isChange;
  }
}
