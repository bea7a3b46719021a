import { type ConntrackFilter, deleteConntrack } from '../../shared/kernel/conntrack.ts';
import { type Nft, nft } from '../../shared/kernel/nft.ts';
import { type AppInterfaceConfig, codecs } from '../../shared/proto/messages.ts';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import { readConntrackCount } from '../observe/conntrack-count.ts';
import { applyRuleset, CHANGED, RulesTooLongError, readFingerprint } from './apply.ts';
import { type EndedFlows, endedFlows } from './ended-flows.ts';
import { withQuickCollections } from './quick-collections.ts';
import { type RulesetInput, renderRuleset } from './ruleset.ts';
import { renderSwitchRuleset } from './switch/ruleset.ts';
import type { Ruleset } from './table.ts';
import { renderTransaction } from './transaction.ts';

interface Loaded {
  input: RulesetInput;
  ruleset: Ruleset;
  fingerprint: string;
}

/** What a pass did with the rules. */
export interface Loading {
  /** The number of transactions that wrote. */
  written: number;
  rebuilt: boolean;
  /** What somebody else did to the rules that had been loaded. */
  drift: string | null;
}

/** A transaction is told of within that many milliseconds, also on a busy machine. */
const TOLD_MS = 500;
const VERSION = 1;
const WHEN_LOST = 'the rules are loaded anew in one transaction; addresses of host rules are learnt again from DNS';

const NOTHING_ENDED: EndedFlows = { marks: [], destinations: [] };

/** What makes the firewall of one type of NI. */
export interface FirewallKind {
  /** Connections that no rule has seen: those that began while there were no rules (conntrack starts before them) stay untranslated. */
  unjudged: readonly ConntrackFilter[];
  render(input: RulesetInput): Ruleset;
  /** The connections that a change no longer allows. */
  ended(before: RulesetInput, after: RulesetInput): EndedFlows;
}

export const ROUTED: FirewallKind = {
  unjudged: [{ mark: { value: 0, mask: 0xffffffff } }],
  render: renderRuleset,
  ended: endedFlows,
};
/** It judges each packet by itself, so there is nothing to forget. */
export const SWITCHED: FirewallKind = {
  unjudged: [],
  render: renderSwitchRuleset,
  ended: () => NOTHING_ENDED,
};

/** Keeps the kernel's rules as the config wants them. What it loaded is kept in a file, so a restarted manager takes it over. */
export class Firewall {
  readonly #file: StateFile;
  readonly #kind: FirewallKind;
  #loaded: Loaded | null;
  readonly #nft: Nft;
  /** The kernel's rules may be others than those that were loaded: they are read before anything is loaded. */
  #isSuspect = true;
  /** Since the last pass began. */
  #isChangedByOthers = false;
  /** Of the last load: the monitor may tell later of what somebody else did before its rules were read. */
  #loadedAt = 0;
  /** Most passes want what the one before wanted. */
  #rendered: { of: string; ruleset: Ruleset } | null = null;

  /** @param nftables loads the rules and reads them back */
  constructor(file: string, report: StateReport, kind: FirewallKind = ROUTED, nftables: Nft = nft) {
    this.#file = new StateFile({ file, kind: 'ruleset', version: VERSION, report, whenLost: WHEN_LOST });
    this.#kind = kind;
    this.#nft = nftables;
    this.#loaded = this.#file.read(decode);
  }

  /** The next pass reads the kernel's rules: somebody else may have changed them. */
  suspect(): void {
    this.#isSuspect = true;
  }

  /**
   * Somebody else has changed rules just now. When that was near a load, what was read after the load may have the change in it: then
   * all is made anew.
   */
  changedByOthers(): void {
    this.#isSuspect = true;
    this.#isChangedByOthers = true;
    if (this.#loaded && performance.now() - this.#loadedAt < TOLD_MS) this.#loaded.fingerprint = CHANGED;
  }

  /** Loads what differs from what was loaded; reads the kernel's rules first only where somebody may have changed them. */
  async apply(input: RulesetInput): Promise<Loading> {
    const before = this.#loaded;
    const isSuspect = this.#isSuspect;
    this.#isSuspect = false; // what comes from here on is another reason to look
    this.#isChangedByOthers = false;
    try {
      const aces = input.vifs.reduce((sum, { acl }) => sum + acl.length, 0);
      return await withQuickCollections(aces, () => this.#apply(input, before, isSuspect));
    } catch (error) {
      this.#isSuspect = true;
      throw error instanceof RulesTooLongError ? tooLong(input, error) : error;
    }
  }

  async #apply(input: RulesetInput, before: Loaded | null, isSuspect: boolean): Promise<Loading> {
    const found = before && (isSuspect ? await readFingerprint(before.ruleset) : before.fingerprint);
    let intact = before !== null && found === before.fingerprint;
    let drift = before === null || intact ? null : found === null ? 'the ruleset was removed' : 'rules were changed';
    const wanted = this.#render(input);
    if (intact && renderTransaction(wanted, before!.ruleset) === '') {
      this.#file.restore();
      return { written: 0, rebuilt: false, drift };
    }
    const { fingerprint, written, rebuilt } = await applyRuleset(wanted, intact ? before!.ruleset : null, this.#nft);
    if (intact && rebuilt) {
      intact = false;
      drift = 'rules were changed';
    }
    const { marks, destinations } = before ? this.#kind.ended(before.input, input) : NOTHING_ENDED;
    const filters = [
      ...(intact ? [] : this.#kind.unjudged),
      ...marks.map(value => ({ mark: { value, mask: 0xffffffff } })),
      ...destinations.map(destination => ({ destination })),
    ];
    if (filters.length > 0 && readConntrackCount() > 0) await deleteConntrack(filters);
    // Last: who is killed before it loads and forgets again.
    this.#loaded = { input, ruleset: wanted, fingerprint: this.#isChangedByOthers ? CHANGED : fingerprint };
    this.#loadedAt = performance.now();
    this.#isSuspect ||= this.#loaded.fingerprint === CHANGED;
    this.#file.write(encode(this.#loaded));
    return { written, rebuilt, drift };
  }

  #render(input: RulesetInput): Ruleset {
    const of = JSON.stringify({ ...input, hostAddresses: [...input.hostAddresses] });
    if (this.#rendered?.of !== of) this.#rendered = { of, ruleset: this.#kind.render(input) };
    return this.#rendered.ruleset;
  }
}

/** An error that names who has the longest ACL and says what to do. */
function tooLong({ vifs }: RulesetInput, cause: RulesTooLongError): Error {
  const longest = vifs.reduce<AppInterfaceConfig | null>(
    (most, vif) => (most !== null && most.acl.length >= vif.acl.length ? most : vif),
    null,
  );
  const whose =
    longest && `; the longest ACL is that of ${longest.appName}/${longest.name} with ${longest.acl.length} ACEs`;
  const remedy =
    'take fewer ACEs (networks and port ranges instead of single addresses and ports, few of limit, host and portmap)';
  return new Error(
    `the rules are longer than the kernel takes from a network instance at once${whose ?? ''}. Remedy: ${remedy}, or a higher net.core.wmem_default on the device`,
    { cause },
  );
}

function decode(text: string): Loaded {
  const { ni, vifs, hostAddresses, bridge, uplinkDevice, ruleset, fingerprint } = JSON.parse(text);
  const input: RulesetInput = {
    ni: codecs.NetworkInstanceConfig.decode(Buffer.from(ni, 'base64')),
    vifs: (vifs as string[]).map(vif => codecs.AppInterfaceConfig.decode(Buffer.from(vif, 'base64'))),
    hostAddresses: new Map(hostAddresses),
    bridge,
    uplinkDevice,
  };
  return { input, ruleset, fingerprint };
}

/** Messages are kept encoded: as JSON they would lose the fields that have their default. */
function encode({ input, ruleset, fingerprint }: Loaded): string {
  const { bridge, uplinkDevice } = input;
  return JSON.stringify({
    ni: Buffer.from(codecs.NetworkInstanceConfig.encode(input.ni)).toString('base64'),
    vifs: input.vifs.map(vif => Buffer.from(codecs.AppInterfaceConfig.encode(vif)).toString('base64')),
    hostAddresses: [...input.hostAddresses],
    bridge,
    uplinkDevice,
    ruleset,
    fingerprint,
  });
}
