import { join } from 'node:path';
import { readConfigText } from '../../shared/config/index.ts';
import type { ReadResult } from '../../shared/config/model.ts';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';

const VERSION = 1;
const WHEN_LOST = 'the config file is all there is until it is read the next time';

/** The text of the last config that could be used: what a boot falls back to. */
export class LastGoodConfig {
  readonly path: string;
  readonly #file: StateFile;
  #isRead = false;

  constructor(stateDirectory: string, report: StateReport) {
    this.path = join(stateDirectory, 'config.last-good');
    this.#file = new StateFile({ file: this.path, kind: 'config', version: VERSION, report, whenLost: WHEN_LOST });
  }

  /** Null: there is none. */
  read(): ReadResult | null {
    this.#isRead = true;
    return this.#file.read(text => readConfigText(text, this.path));
  }

  keep(text: string): void {
    // What is there counts as known, and what is wrong with it is told.
    if (!this.#isRead) this.read();
    this.#file.write(text);
  }
}
