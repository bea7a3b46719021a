import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { deleteConntrack } from '../../shared/kernel/conntrack.ts';
import { codecs } from '../../shared/proto/messages.ts';
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
    const { ni, vifs, hostAddresses, bridge, uplinkDevice, ruleset, fingerprint } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    const input: RulesetInput = {
      ni: codecs.NetworkInstanceConfig.decode(Buffer.from(ni, 'base64')),
      vifs: (vifs as string[]).map(vif => codecs.AppInterfaceConfig.decode(Buffer.from(vif, 'base64'))),
      hostAddresses: new Map(hostAddresses),
      bridge,
      uplinkDevice,
    };
    return { input, ruleset, fingerprint };
  } catch {
    return null; // first start, or unreadable: the rules are made anew in one transaction
  }
}

/** Messages are kept encoded: as JSON they would lose the fields that have their default. */
function write(file: string, { input, ruleset, fingerprint }: Loaded): void {
  const { bridge, uplinkDevice } = input;
  const content = {
    ni: Buffer.from(codecs.NetworkInstanceConfig.encode(input.ni)).toString('base64'),
    vifs: input.vifs.map(vif => Buffer.from(codecs.AppInterfaceConfig.encode(vif)).toString('base64')),
    hostAddresses: [...input.hostAddresses],
    bridge,
    uplinkDevice,
    ruleset,
    fingerprint,
  };
  writeFileSync(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
