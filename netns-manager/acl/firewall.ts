import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { deleteConntrack } from '../../shared/kernel/conntrack.ts';
import { applyRuleset, readFingerprint } from './apply.ts';
import { endedFlows } from './ended-flows.ts';
import { type RulesetInput, renderRuleset } from './ruleset.ts';
import type { Ruleset } from './table.ts';
import { renderTransaction } from './transaction.ts';

interface Loaded {
  input: RulesetInput;
  ruleset: Ruleset;
  fingerprint: string;
}

/** Keeps the kernel's rules as the config wants them. What it loaded is kept in a file, so a restarted manager takes it over. */
export class Firewall {
  readonly #file: string;
  #loaded: Loaded | null;

  constructor(file: string) {
    this.#file = file;
    this.#loaded = read(file);
  }

  /** Loads what differs. `drift`: somebody else changed the rules that had been loaded. */
  async apply(input: RulesetInput): Promise<{ written: 0 | 1; rebuilt: boolean; drift: string | null }> {
    const before = this.#loaded;
    const found = await readFingerprint();
    const intact = before !== null && found === before.fingerprint;
    const drift = before === null || intact ? null : found === null ? 'the ruleset was removed' : 'rules were changed';
    const wanted = renderRuleset(input);
    if (intact && renderTransaction(wanted, before.ruleset) === '') return { written: 0, rebuilt: false, drift };
    const { fingerprint, written, rebuilt } = await applyRuleset(wanted, intact ? before.ruleset : null);
    this.#loaded = { input, ruleset: wanted, fingerprint };
    write(this.#file, this.#loaded);
    if (before) {
      const { marks, destinations } = endedFlows(before.input, input);
      const filters = [
        ...marks.map(value => ({ mark: { value, mask: 0xffffffff } })),
        ...destinations.map(destination => ({ destination })),
      ];
      if (filters.length > 0) await deleteConntrack(filters);
    }
    return { written, rebuilt, drift };
  }
}

function read(file: string): Loaded | null {
  try {
    const loaded = JSON.parse(readFileSync(file, 'utf8'), reviveMaps) as Loaded;
    return loaded.input && loaded.ruleset && loaded.fingerprint ? loaded : null;
  } catch {
    return null; // first start, or unreadable: the rules are made anew in one transaction
  }
}

function write(file: string, loaded: Loaded): void {
  writeFileSync(`${file}.new`, JSON.stringify(loaded, replaceMaps), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function replaceMaps(_key: string, value: unknown): unknown {
  return value instanceof Map ? { entries: [...value] } : value;
}

function reviveMaps(key: string, value: unknown): unknown {
  return key === 'hostAddresses' ? new Map((value as { entries: [string, string[]][] }).entries) : value;
}
