import { isNftChange } from './kernel-lines.ts';

/** The end of a transaction in `nft monitor`: who made it. */
const GENERATION = /^# new generation \d+ by process \d+ \((.*)\)$/;

/** Tells other people's changes of the rules from the manager's own, by the name of the process that made them. */
export class NftEvents {
  readonly #ownName: string;
  #isChange = false;

  /** @param ownName of the processes that load the manager's rules */
  constructor(ownName: string) {
    this.#ownName = ownName;
  }

  /** Takes a line of `nft monitor`; true: with it a transaction of somebody else is complete, and changed what the manager keeps. */
  line(text: string): boolean {
    const maker = GENERATION.exec(text)?.[1];
    if (maker === undefined) {
      this.#isChange ||= isNftChange(text);
      return false;
    }
    const isChange = this.#isChange && maker !== this.#ownName;
    this.#isChange = false;
    return isChange;
  }
}
