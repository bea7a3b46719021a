import { join } from 'node:path';
import type { Nft } from '../shared/kernel/nft.ts';
import type { Log } from '../shared/log/log.ts';
import { type ItemState, State } from '../shared/proto/messages.ts';
import type { StateReport } from '../shared/state/state-report.ts';
import { Firewall, ROUTED } from './acl/firewall.ts';
import { hostSetName } from './acl/host-set.ts';
import { readActual } from './bridge/actual.ts';
import { executeLinks } from './bridge/execute.ts';
import { planLinks } from './bridge/plan.ts';
import { Dnsmasq } from './dhcp/dnsmasq.ts';
import { renderDnsmasq } from './dhcp/render.ts';
import { BRIDGE, type Intent, rulesetInput } from './intent.ts';
import { describeItems, type Found } from './items/describe.ts';
import { DriftWatch } from './items/drift.ts';
import { instanceFights } from './items/fight.ts';
import { itemKey } from './items/item.ts';
import { DNSMASQ, NFT } from './items/services.ts';
import { itemStates } from './items/states.ts';
import { CHARON, TUNNEL_ROUTES, tunnelErrors } from './items/tunnels.ts';
import { applySysctls, BRIDGE_NF, wantedSysctls } from './sysctls.ts';
import { type Tunnels, tunnelDevices } from './tunnels/tunnels.ts';

/** What a pass did and found. */
export interface PassResult {
  state: (typeof State)[keyof typeof State];
  /** Item -> what went wrong; not of items that only wait for another. */
  errors: Map<string, string>;
  /** VIFs that exist here, and whether somebody holds their other end. */
  presentVifs: Map<string, { carrier: boolean }>;
  /** The rules were made anew: host sets hold only what is known without DNS. */
  rulesRebuilt: boolean;
}

export interface Counts {
  driftRepairs: number;
  ipBatches: number;
  nftTransactions: number;
}

/** Brings this namespace to what the supervisor wants, in layers: sysctls, rules, links, services. Rules come before the links they guard. */
export class NetworkInstance {
  readonly #log: Log;
  readonly firewall: Firewall;
  readonly dnsmasq: Dnsmasq;
  /** Null: not a VPN. */
  tunnels: Tunnels | null = null;
  readonly #directories: { run: string; log: string };
  readonly counts: Counts = { driftRepairs: 0, ipBatches: 0, nftTransactions: 0 };
  /** Of the last pass, to tell drift from a new config. */
  #settled: { config: string; tunnelDevices: string } | null = null;
  #found: {
    intent: Intent;
    found: Omit<Found, 'dnsmasqRuns' | 'metadataListens' | 'vpn'>;
    errors: Map<string, string>;
  } | null = null;
  #items = new Map<string, ItemState>();
  readonly #driftWatch = new DriftWatch();
  /** With whoever undoes what is put right. */
  readonly fights = instanceFights();
  /** Sysctls as the last pass left them. */
  sysctls: ReadonlyMap<string, string> = new Map();
  readonly #metadataListens: () => boolean;
  /** dnsmasq has run in this manager's life. */
  #served = false;
  /** dnsmasq ended by itself since the last pass. */
  dnsmasqLost: string | null = null;

  constructor(options: {
    log: Log;
    report: StateReport;
    directories: { run: string; log: string };
    onDnsmasqExit: (reason: string) => void;
    nft: Nft;
    metadataListens: () => boolean;
  }) {
    this.#metadataListens = options.metadataListens;
    this.#log = options.log;
    this.#directories = options.directories;
    this.firewall = new Firewall(join(options.directories.run, 'ruleset.json'), options.report, ROUTED, options.nft);
    this.dnsmasq = new Dnsmasq({
      directory: join(options.directories.run, 'dnsmasq'),
      logFile: this.dnsmasqLog,
      log: options.log,
      report: options.report,
      onExit: exit => {
        this.dnsmasqLost = `dnsmasq (pid ${exit.pid}) ended: ${exit.signal ?? exit.code ?? 'unknown'}`;
        options.onDnsmasqExit(this.dnsmasqLost);
      },
    });
  }

  get dnsmasqLog(): string {
    return join(this.#directories.log, 'dnsmasq.log');
  }

  /** One pass. Writes only what differs; a step that fails is told in `errors`, the others go on. */
  async reconcile(intent: Intent): Promise<PassResult> {
    const errors = new Map<string, string>();
    const fingerprint = JSON.stringify(intent);
    const unchanged = this.#settled?.config === fingerprint;
    if (!unchanged) this.#driftWatch.reset();
    const attempt = async (item: string, step: () => Promise<void>) => {
      try {
        await step();
      } catch (error) {
        errors.set(item, (error as Error).message);
      }
    };

    const sysctlsWanted = wantedSysctls(intent);
    const sysctls = applySysctls(sysctlsWanted, path => this.fights.isHeld(itemKey('sysctl', path)));
    for (const [item, error] of sysctls.errors) errors.set(item, error);
    this.sysctls = sysctls.found;
    if (unchanged && sysctls.written.length > 0) {
      const keys = sysctls.written.map(path => itemKey('sysctl', path));
      this.#drift('sysctl', sysctls.written.join(', '), keys);
    }

    let rulesLoaded = false;
    let rulesRebuilt = false;
    await attempt(NFT, async () => {
      const { written, rebuilt, drift } = await this.firewall.apply(rulesetInput(intent));
      rulesLoaded = true;
      rulesRebuilt = rebuilt;
      this.counts.nftTransactions += written;
      if (drift) this.#drift(NFT, drift, [NFT]);
      if (written) this.#log.info({ rebuilt }, 'ruleset loaded');
    });

    let actual = await readActual(BRIDGE);
    const guarded = rulesLoaded && BRIDGE_NF.every(path => !sysctls.errors.has(`sysctl:${path}`));
    let plan = planLinks(intent, actual, guarded);
    const { tunnels } = this;
    if (tunnels) await attempt(TUNNEL_ROUTES, async () => void plan.push(...(await tunnels.plan(intent, actual))));
    const devices = tunnelDevices(actual);
    plan = plan.filter(({ item }) => !this.fights.isHeld(item));
    if (plan.length > 0) {
      // Routes that wait for a tunnel's device are not somebody's doing.
      const repairs = devices === this.#settled?.tunnelDevices ? this.#driftWatch.repairs(plan) : [];
      if (unchanged && repairs.length > 0) {
        const found = repairs.map(({ program, line }) => `${program} ${line}`).join('; ');
        this.#drift('links', found, [...new Set(repairs.map(({ item }) => item))]);
      }
      const { batches, errors: failed } = await executeLinks(plan);
      for (const [item, error] of failed) errors.set(item, error);
      this.counts.ipBatches += batches;
      actual = await readActual(BRIDGE);
    }

    await attempt(DNSMASQ, async () => {
      if (this.dnsmasq.pid === null && this.fights.isHeld(DNSMASQ)) return;
      const rendered = renderDnsmasq({
        config: intent.config,
        apps: intent.apps,
        uplinks: intent.uplinks,
        bridge: BRIDGE,
        directory: join(this.#directories.run, 'dnsmasq'),
        logFile: this.dnsmasqLog,
        table: 'nibox',
        hostSets: domain => ({ v4: hostSetName(domain, 4), v6: hostSetName(domain, 6) }),
      });
      if (rendered.rejected.length > 0) this.#log.warn({ rejected: rendered.rejected }, 'names left out of DNS');
      const lost = this.dnsmasqLost;
      this.dnsmasqLost = null;
      const done = await this.dnsmasq.apply(rendered);
      // One that was adopted may be missed here before its end is noticed.
      if (lost || (done === 'started' && this.#served)) this.#drift('dnsmasq', lost ?? 'dnsmasq was gone', [DNSMASQ]);
      this.#served = true;
      if (done !== 'unchanged') this.#log.info({ done, dnsmasq: this.dnsmasq.pid }, `dnsmasq ${done}`);
    });

    if (tunnels) {
      await attempt(CHARON, async () => {
        if (await tunnels.apply(intent)) this.#log.info({}, 'tunnels configured');
      });
    }

    for (const [item, told] of this.fights.told()) if (!errors.has(item)) errors.set(item, told);
    this.#settled = { config: fingerprint, tunnelDevices: devices };
    const presentVifs = new Map(
      intent.apps.flatMap(({ vif }) => {
        const link = actual.links.get(vif);
        return link ? [[vif, { carrier: link.carrier }]] : [];
      }),
    );
    const found = { sysctls: sysctls.found, wantedSysctls: sysctlsWanted, links: actual, rulesLoaded };
    this.#found = { intent, found, errors };
    const items = this.items();
    this.#driftWatch.note(items);
    const roots = new Map([...errors].filter(([key]) => items.get(key)?.state !== 'pending'));
    return { state: roots.size > 0 ? State.DEGRADED : State.ONLINE, errors: roots, presentVifs, rulesRebuilt };
  }

  /** Every item by key, as the last pass found it and the services are now. */
  items(): Map<string, ItemState> {
    if (!this.#found) return this.#items;
    const { intent, found, errors } = this.#found;
    const dnsmasqRuns = this.dnsmasq.pid !== null;
    const vpn = this.tunnels?.status() ?? null;
    const items = describeItems(intent, { ...found, dnsmasqRuns, metadataListens: this.#metadataListens(), vpn });
    this.#items = itemStates(items, new Map([...tunnelErrors(vpn), ...errors]), this.#items, Date.now());
    return this.#items;
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
