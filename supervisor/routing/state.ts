import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import type { Sysctls } from './sysctls.ts';

/** What must outlive the supervisor to find its way back. */
export interface RootState {
  /** Sysctls as they were before the first change. */
  sysctls: Sysctls;
  /** Routing table index by uplink. */
  uplinks: Record<string, number>;
  /** Hashes of the nft table as written and as the kernel then listed it. */
  nft?: { intended: string; listed: string };
}

const VERSION = 1;
const WHEN_LOST =
  'routing tables are read off the kernel, and the rules are loaded anew; kernel settings (sysctls) that were changed will stay as they are on a stop';

/** The file that holds it, of one prefix. */
export class RootStateFile {
  readonly #file: StateFile;

  constructor(path: string, report: StateReport) {
    this.#file = new StateFile({ file: path, kind: 'root-network', version: VERSION, report, whenLost: WHEN_LOST });
  }

  /** Null: there is none, or none that can be used. */
  load(): RootState | null {
    return this.#file.read(parseRootState);
  }

  /** A disk that takes nothing now is told of, and does not hold the network up. */
  save(state: RootState): void {
    this.#file.write(JSON.stringify(state, null, 1));
    this.#file.restore();
  }

  remove(): void {
    this.#file.remove();
  }
}

function parseRootState(text: string): RootState {
  const { sysctls, uplinks, nft } = JSON.parse(text) as Partial<RootState>;
  mustMap(sysctls, 'sysctls', 'string');
  mustMap(uplinks, 'uplinks', 'number');
  if (nft !== undefined) mustMap(nft, 'nft', 'string');
  return { sysctls: sysctls!, uplinks: uplinks!, ...(nft && { nft }) };
}

function mustMap(value: unknown, name: string, type: 'string' | 'number'): void {
  const isMap = typeof value === 'object' && value !== null && Object.values(value).every(one => typeof one === type);
  if (!isMap) throw new Error(`${name} is no table of ${type}s`);
}
