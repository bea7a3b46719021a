import { join } from 'node:path';
import type { NetworkInstanceKind } from '../../shared/config/model.ts';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';

const VERSION = 1;
const KINDS: readonly string[] = ['local', 'switch', 'vpn'] satisfies NetworkInstanceKind[];
const WHEN_LOST = 'the network instance is taken to be of the type that the config has';

/** The type that each network instance's namespace was made for, beside its namespace: another type is another network instance. */
export class InstanceTypes {
  readonly #directory: string;
  readonly #report: StateReport;
  readonly #known = new Map<string, { file: StateFile; kind: NetworkInstanceKind }>();

  constructor(directory: string, report: StateReport) {
    this.#directory = directory;
    this.#report = report;
  }

  /** Undefined: nothing tells. */
  read(name: string): string | undefined {
    const known = this.#known.get(name);
    known?.file.restore();
    if (known) return known.kind;
    const file = this.#file(name);
    const kind = file.read(parseKind);
    if (kind !== null) this.#known.set(name, { file, kind });
    return kind ?? undefined;
  }

  keep(name: string, kind: NetworkInstanceKind): void {
    const file = this.#known.get(name)?.file ?? this.#file(name);
    this.#known.set(name, { file, kind });
    file.write(kind);
  }

  /** Before its namespace goes. */
  forget(name: string): void {
    this.#known.get(name)?.file.remove();
    this.#known.delete(name);
  }

  #file(name: string): StateFile {
    const file = join(this.#directory, name, 'type');
    return new StateFile({ file, kind: 'instance-type', version: VERSION, report: this.#report, whenLost: WHEN_LOST });
  }
}

function parseKind(text: string): NetworkInstanceKind {
  if (!KINDS.includes(text)) throw new Error(`${JSON.stringify(text.slice(0, 40))} is no type of network instance`);
  return text as NetworkInstanceKind;
}
