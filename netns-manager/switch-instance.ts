import { join } from 'node:path';
import type { Nft } from '../shared/kernel/nft.ts';
import type { Log } from '../shared/log/log.ts';
import { type ItemState, State, type SwitchPortStatus } from '../shared/proto/messages.ts';
import type { StateReport } from '../shared/state/state-report.ts';
import { Firewall, SWITCHED } from './acl/firewall.ts';
import { executeLinks } from './bridge/execute.ts';
import type { LinkCommand } from './bridge/plan.ts';
import { type ActualSwitch, readActualSwitch } from './bridge/switch-actual.ts';
import { planSwitch, type SwitchPlan } from './bridge/switch-plan.ts';
import { BRIDGE, type Intent, rulesetInput } from './intent.ts';
import { instanceFights } from './items/fight.ts';
import { itemKey } from './items/item.ts';
import { itemStates } from './items/states.ts';
import { describeSwitchItems, SWITCH_NFT } from './items/switch.ts';
import type { Counts, PassResult } from './network-instance.ts';
import { applySysctls, wantedSwitchSysctls } from './sysctls.ts';

/** One look after each batch, and one for what only the batch before made possible. */
const MOST_BATCHES = 3;

/** Brings a switch's namespace to what the supervisor wants: sysctls, rules, then the bridge and its ports. No services run in it. */
export class SwitchInstance {
  readonly #log: Log;
  readonly firewall: Firewall;
  readonly counts: Counts = { driftRepairs: 0, ipBatches: 0, nftTransactions: 0 };
  /** The intent of the last pass, to tell drift from a new config. */
  #settled = '';
  /** With whoever undoes what is put right. */
  readonly fights = instanceFights();
  /** Sysctls as the last pass left them. */
  sysctls: ReadonlyMap<string, string> = new Map();
  /** Links that the last pass found. */
  #found: ReadonlySet<string> = new Set();
  #items = new Map<string, ItemState>();
  /** The uplinks as the last pass found them. */
  ports: SwitchPortStatus[] = [];

  constructor({ log, report, runDirectory, nft }: { log: Log; report: StateReport; runDirectory: string; nft?: Nft }) {
    this.#log = log;
    this.firewall = new Firewall(join(runDirectory, 'ruleset.json'), report, SWITCHED, nft);
  }

  /** One pass. Writes only what differs; a step that fails is told in `errors`, the others go on. */
  async reconcile(intent: Intent): Promise<PassResult> {
    const errors = new Map<string, string>();
    const fingerprint = JSON.stringify(intent);
    const isUnchanged = this.#settled === fingerprint;
    this.#settled = fingerprint;

    const wantedSysctls = wantedSwitchSysctls();
    const sysctls = applySysctls(wantedSysctls, path => this.fights.isHeld(itemKey('sysctl', path)));
    this.sysctls = sysctls.found;
    for (const [item, error] of sysctls.errors) errors.set(item, error);
    if (isUnchanged && sysctls.written.length > 0) {
      const keys = sysctls.written.map(path => itemKey('sysctl', path));
      this.#drift('sysctl', sysctls.written.join(', '), keys);
    }

    const rulesRebuilt = await this.#applyRules(intent, errors);
    const rulesLoaded = !errors.has(SWITCH_NFT);
    const links = await this.#applyLinks(intent, rulesLoaded, isUnchanged, errors);
    this.#found = new Set(links.links.keys());

    this.ports = intent.config.ports.map(({ name }) => ({ name, state: portState(name, links) }));
    const found = { sysctls: sysctls.found, wantedSysctls, links, rulesLoaded };
    this.#items = itemStates(describeSwitchItems(intent, found), errors, this.#items, Date.now());
    const roots = new Map([...errors].filter(([key]) => this.#items.get(key)?.state !== 'pending'));
    return {
      state: roots.size > 0 ? State.DEGRADED : State.ONLINE,
      errors: roots,
      presentVifs: new Map(
        intent.apps.flatMap(({ vif }) => {
          const link = links.links.get(vif);
          return link ? [[vif, { carrier: link.carrier }]] : [];
        }),
      ),
      rulesRebuilt,
    };
  }

  /** Every item by key, as the last pass found it. */
  items(): Map<string, ItemState> {
    return this.#items;
  }

  /** Whether the rules were made anew. */
  async #applyRules(intent: Intent, errors: Map<string, string>): Promise<boolean> {
    try {
      const { written, rebuilt, drift } = await this.firewall.apply(rulesetInput(intent));
      this.counts.nftTransactions += written;
      if (drift) this.#drift(SWITCH_NFT, drift, [SWITCH_NFT]);
      if (written) this.#log.info({ rebuilt }, 'ruleset loaded');
      return rebuilt;
    } catch (error) {
      errors.set(SWITCH_NFT, (error as Error).message);
      return false;
    }
  }

  async #applyLinks(
    intent: Intent,
    isGuarded: boolean,
    isUnchanged: boolean,
    errors: Map<string, string>,
  ): Promise<ActualSwitch> {
    let actual = await readActualSwitch(BRIDGE);
    const planNow = (): SwitchPlan => {
      const { commands, ...rest } = planSwitch(intent, actual, isGuarded);
      return { ...rest, commands: commands.filter(({ item }) => !this.fights.isHeld(item)) };
    };
    let plan = planNow();
    if (isUnchanged) this.#tellDrift(intent, actual, plan);
    for (let batch = 0; batch < MOST_BATCHES && plan.commands.length > 0; batch++) {
      const { batches, errors: failed } = await executeLinks(plan.commands);
      this.counts.ipBatches += batches;
      actual = await readActualSwitch(BRIDGE);
      plan = planNow();
      if (failed.size === 0) continue;
      for (const [item, error] of failed) errors.set(item, error);
      break;
    }
    for (const [item, error] of plan.errors) errors.set(item, error);
    for (const [item, told] of this.fights.told()) if (!errors.has(item)) errors.set(item, told);
    return actual;
  }

  /** A link that is new here was put in by the supervisor: that is no drift, but one that was in order and is not, is. */
  #tellDrift({ apps }: Intent, { links }: ActualSwitch, { commands }: SwitchPlan): void {
    const isNew = ({ item }: LinkCommand) => {
      const name = item.slice(item.indexOf(':') + 1);
      return links.has(name) && !this.#found.has(name);
    };
    const repairs = commands.filter(command => !isNew(command));
    const found = [
      ...apps.filter(({ vif }) => this.#found.has(vif) && !links.has(vif)).map(({ vif }) => `${vif} is gone`),
      ...repairs.map(({ program, line }) => `${program} ${line}`),
    ];
    if (found.length > 0) this.#drift('links', found.join('; '), [...new Set(repairs.map(({ item }) => item))]);
  }

  /** @param repaired keys of the items that were put right */
  #drift(item: string, found: string, repaired: readonly string[]): void {
    this.counts.driftRepairs += 1;
    for (const key of repaired) this.fights.repaired(key);
    // What is fought over is told by itself, and not each time.
    if (repaired.length > 0 && repaired.every(key => this.fights.isOn(key))) return;
    this.#log.warn({ drift: true, item, found }, `drift: ${item}: ${found}; put right`);
  }
}

/** As the status tells it. */
function portState(name: string, { links }: ActualSwitch): string {
  const link = links.get(name);
  if (!link) return 'absent';
  return link.master === BRIDGE && link.port ? link.port.state : 'not bridged';
}
