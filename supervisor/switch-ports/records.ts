import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import type { InterfaceSnapshot } from './snapshot.ts';

/** Where an uplink that a switch has came from. On disk before anything moves. */
export interface PortRecord {
  interface: string;
  /** The switch that has it. */
  ni: string;
  /** A stand-in of its name is on the device. */
  isShared: boolean;
  /** taking, returning: it is on its way, and whoever finds this goes on with it. */
  phase: 'taking' | 'held' | 'returning';
  snapshot: InterfaceSnapshot;
}

const VERSION = 1;
const PHASES: readonly string[] = ['taking', 'held', 'returning'] satisfies PortRecord['phase'][];
const WHEN_LOST =
  'the uplink is looked for where the config has it; what was set on it by hand is not known any more unless its stand-in has it';

/** The records of one installation, a file each: they outlive the supervisor as the namespaces do, and go with a reboot as they do. */
export class PortRecords {
  readonly #directory: string;
  readonly #report: StateReport;
  readonly #records = new Map<string, PortRecord>();
  readonly #files = new Map<string, StateFile>();

  constructor(directory: string, report: StateReport) {
    this.#directory = directory;
    this.#report = report;
    const files = existsSync(directory) ? readdirSync(directory) : [];
    const names = files.map(file => /^(.+)\.json(?:\.bak)?$/.exec(file)?.[1]);
    for (const name of new Set(names.filter(found => found !== undefined))) {
      const record = this.#file(name).read(text => parseRecord(text, name));
      if (record) this.#records.set(name, record);
    }
  }

  get(name: string): PortRecord | undefined {
    return this.#records.get(name);
  }

  all(): PortRecord[] {
    return [...this.#records.values()];
  }

  /** False: it is known, but not on the disk. */
  save(record: PortRecord): boolean {
    this.#records.set(record.interface, record);
    return this.#file(record.interface).write(JSON.stringify(record, null, 1));
  }

  /** Writes those again that somebody removed or changed. */
  restore(): void {
    for (const name of this.#records.keys()) this.#file(name).restore();
  }

  delete(name: string): void {
    this.#records.delete(name);
    this.#file(name).remove();
  }

  #file(name: string): StateFile {
    const known = this.#files.get(name);
    if (known) return known;
    const path = join(this.#directory, `${name}.json`);
    const options = { kind: 'port', version: VERSION, report: this.#report, whenLost: WHEN_LOST };
    const file = new StateFile({ file: path, ...options });
    this.#files.set(name, file);
    return file;
  }
}

function parseRecord(text: string, name: string): PortRecord {
  const record = JSON.parse(text) as PortRecord;
  const must = (isRight: boolean, field: string) => {
    if (!isRight) throw new Error(`its field ${field} makes no sense`);
  };
  must(record.interface === name, 'interface');
  must(typeof record.ni === 'string' && record.ni !== '', 'ni');
  must(typeof record.isShared === 'boolean', 'isShared');
  must(PHASES.includes(record.phase), 'phase');
  const { snapshot } = record;
  must(typeof snapshot === 'object' && snapshot !== null, 'snapshot');
  must(typeof snapshot.mac === 'string' && typeof snapshot.mtu === 'number', 'snapshot');
  const lists = [snapshot.addresses, snapshot.routes4, snapshot.routes6];
  must(lists.every(Array.isArray) && typeof snapshot.sysctls === 'object', 'snapshot');
  return record;
}
