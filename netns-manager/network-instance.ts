import { join } from 'node:path';
import type { Log } from '../shared/log/log.ts';
import { type ItemState, State } from '../shared/proto/messages.ts';
import { Firewall } from './acl/firewall.ts';
import { hostSetName } from './acl/host-set.ts';
import { type ActualLinks, readActual } from './bridge/actual.ts';
import { executeLinks } from './bridge/execute.ts';
import { planLinks } from './bridge/plan.ts';
import { Dnsmasq } from './dhcp/dnsmasq.ts';
import { renderDnsmasq } from './dhcp/render.ts';
import { BRIDGE, type Intent, rulesetInput } from './intent.ts';
import { applySysctls, wantedSysctls } from './sysctls.ts';

/** What a pass did and found. */
export interface PassResult {
  state: (typeof State)[keyof typeof State];
  /** Item -> what went wrong. */
  errors: Map<string, string>;
  items: Map<string, ItemState>;
  /** VIFs that exist here. */
  presentVifs: Set<string>;
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
  readonly #firewall: Firewall;
  readonly dnsmasq: Dnsmasq;
  readonly #directories: { run: string; log: string };
  readonly counts: Counts = { driftRepairs: 0, ipBatches: 0, nftTransactions: 0 };
  /** Of the last pass, to tell drift from a new config. */
  #settled: { config: string } | null = null;
  #since = new Map<string, { state: string; since: number }>();
  /** dnsmasq has run in this manager's life. */
  #served = false;
  /** dnsmasq ended by itself since the last pass. */
  dnsmasqLost: string | null = null;

  constructor(options: {
    log: Log;
    directories: { run: string; log: string };
    onDnsmasqExit: (reason: string) => void;
  }) {
    this.#log = options.log;
    this.#directories = options.directories;
    this.#firewall = new Firewall(join(options.directories.run, 'ruleset.json'));
    this.dnsmasq = new Dnsmasq({
      directory: join(options.directories.run, 'dnsmasq'),
      logFile: this.dnsmasqLog,
      log: options.log,
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
    const attempt = async (item: string, step: () => Promise<void>) => {
      try {
        await step();
      } catch (error) {
        errors.set(item, (error as Error).message);
      }
    };

    const sysctls = await applySysctls(wantedSysctls(intent));
    for (const [item, error] of sysctls.errors) errors.set(item, error);
    if (unchanged && sysctls.written.length > 0) this.#drift('sysctl', sysctls.written.join(', '));

    let guarded = false;
    let rulesRebuilt = false;
    await attempt('nft:inet nibox', async () => {
      const { written, rebuilt, drift } = await this.#firewall.apply(rulesetInput(intent));
      guarded = true;
      rulesRebuilt = rebuilt;
      this.counts.nftTransactions += written;
      if (drift) this.#drift('nft:inet nibox', drift);
      if (written) this.#log.info({ rebuilt }, 'ruleset loaded');
    });

    let actual = await readActual(BRIDGE);
    const plan = planLinks(intent, actual, guarded);
    if (plan.length > 0) {
      if (unchanged) this.#drift('links', plan.map(({ program, line }) => `${program} ${line}`).join('; '));
      const { batches, errors: failed } = await executeLinks(plan);
      for (const [item, error] of failed) errors.set(item, error);
      this.counts.ipBatches += batches;
      actual = await readActual(BRIDGE);
    }

    await attempt('dnsmasq', async () => {
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
      if (lost || (done === 'started' && this.#served)) this.#drift('dnsmasq', lost ?? 'dnsmasq was gone');
      this.#served = true;
      if (done !== 'unchanged') this.#log.info({ done, dnsmasq: this.dnsmasq.pid }, `dnsmasq ${done}`);
    });

    this.#settled = { config: fingerprint };
    const presentVifs = new Set(intent.apps.map(({ vif }) => vif).filter(vif => actual.links.has(vif)));
    const items = this.#itemStates(intent, actual, errors);
    return { state: errors.size > 0 ? State.DEGRADED : State.ONLINE, errors, items, presentVifs, rulesRebuilt };
  }

  #drift(item: string, found: string): void {
    this.counts.driftRepairs += 1;
    this.#log.warn({ drift: true, item, found }, `drift: ${item}: ${found}; put right`);
  }

  #itemStates(intent: Intent, actual: ActualLinks, errors: ReadonlyMap<string, string>): Map<string, ItemState> {
    const wanted: { kind: string; id: string; intended: string; there: boolean }[] = [
      { kind: 'link', id: BRIDGE, intended: `bridge, mtu ${intent.config.mtu}`, there: actual.links.has(BRIDGE) },
      { kind: 'nft', id: 'inet nibox', intended: `${intent.apps.length} VIFs`, there: !errors.has('nft:inet nibox') },
      { kind: 'dnsmasq', id: 'dnsmasq', intended: 'running', there: this.dnsmasq.pid !== null },
      ...intent.apps.map(({ vif, mac }) => {
        const link = actual.links.get(vif);
        return {
          kind: 'vif',
          id: vif,
          intended: `port of ${BRIDGE}, ${mac}`,
          there: link?.master === BRIDGE && link.up,
        };
      }),
    ];
    const now = Date.now();
    const states = new Map<string, ItemState>();
    for (const { kind, id, intended, there } of wanted) {
      const error = errors.get(`${kind}:${id}`) ?? errors.get(kind) ?? '';
      const state = error ? 'error' : there ? 'ok' : 'pending';
      const key = `${kind}:${id}`;
      const before = this.#since.get(key);
      if (before?.state !== state) this.#since.set(key, { state, since: now });
      const since = this.#since.get(key)!.since;
      states.set(key, { kind, id, intended, actual: there ? intended : 'absent', state, error, since, dependsOn: [] });
    }
    for (const [key, error] of errors) {
      if (states.has(key) || key === 'dnsmasq') continue;
      const [kind = '', ...rest] = key.split(':');
      const id = rest.join(':');
      states.set(key, { kind, id, intended: '', actual: '', state: 'error', error, since: now, dependsOn: [] });
    }
    return states;
  }
}
