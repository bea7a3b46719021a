import type { Log } from '../log/log.ts';

/** A state file that could not be read as what it should be. */
export interface StateLoss {
  /** Its path. */
  file: string;
  reason: string;
  /** What is done about it, in words. */
  outcome: string;
  /** Name of the bad file in its directory now; null: it is gone or could not be kept. */
  keptAs: string | null;
}

/** Losses beyond are only in the log. */
const MOST_TOLD = 20;

/** What went wrong with the state files of one process: in its log as it happens, and for its status. */
export class StateReport {
  readonly log: Log;
  readonly #onChange: () => void;
  readonly #losses: StateLoss[] = [];
  /** File -> why it can't be saved now. */
  readonly #unsaved = new Map<string, string>();

  /** `onChange`: there are other warnings now. */
  constructor(log: Log, onChange: () => void = () => {}) {
    this.log = log;
    this.#onChange = onChange;
  }

  /** The newest last, for as long as this process lives. */
  get losses(): readonly StateLoss[] {
    return this.#losses;
  }

  lost(loss: StateLoss): void {
    this.#losses.push(loss);
    if (this.#losses.length > MOST_TOLD) this.#losses.shift();
    this.log.error({ ...loss }, inWords(loss));
    this.#onChange();
  }

  /** A file can't be written; the owner goes on from memory and tries again. */
  unsaved(file: string, reason: string): void {
    if (this.#unsaved.get(file) === reason) return;
    this.#unsaved.set(file, reason);
    this.log.error({ file, reason }, unsavedText(file, reason));
    this.#onChange();
  }

  saved(file: string): void {
    if (!this.#unsaved.delete(file)) return;
    this.log.info({ file }, `${file} is saved again`);
    this.#onChange();
  }

  /** For `nibox status`. */
  warnings(): string[] {
    return [...this.#losses.map(inWords), ...[...this.#unsaved].map(([file, reason]) => unsavedText(file, reason))];
  }
}

function inWords({ file, reason, outcome, keptAs }: StateLoss): string {
  return `${file} could not be used: ${reason}; ${outcome}${keptAs === null ? '' : `; the bad one is kept as ${keptAs}`}`;
}

function unsavedText(file: string, reason: string): string {
  return `${file} can't be saved: ${reason}. Work goes on from memory, and it is saved when that is possible again: make room, or let the disk be written to`;
}
