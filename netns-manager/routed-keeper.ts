import { join } from 'node:path';
import type { Log } from '../shared/log/log.ts';
import type { AppInterfaceConfig, DnsRequest, ItemState, VpnStatus } from '../shared/proto/messages.ts';
import { ACL_TABLES } from './acl/observe.ts';
import type { Lease } from './dhcp/leases.ts';
import { watchLeases } from './dhcp/watch-leases.ts';
import { HostSets } from './dns/host-sets.ts';
import type { Intent } from './intent.ts';
import type { Keeper, KeeperOptions } from './keeper.ts';
import type { MetadataServer } from './metadata/server.ts';
import { externalAddresses, findCaller } from './metadata/sources.ts';
import { type Counts, NetworkInstance, type PassResult } from './network-instance.ts';
import type { TakenAddresses } from './status.ts';
import { Tunnels } from './tunnels/tunnels.ts';

/** A local or VPN network instance: the kernel's part, dnsmasq, host sets, metadata, and tunnels if it has any. */
export class RoutedKeeper implements Keeper {
  readonly aclTable = ACL_TABLES.routed;
  readonly portFlags = { locked: true, learning: false };
  readonly tracksConnections = true;
  readonly #options: KeeperOptions;
  readonly #log: Log;
  readonly #instance: NetworkInstance;
  readonly #hostSets: HostSets;
  #metadata: MetadataServer | null = null;
  #intent: Intent | null = null;
  #leases: Lease[] = [];
  #hasServices = false;

  constructor(options: KeeperOptions, log: Log, onRequest: (key: string, request: DnsRequest) => void) {
    this.#options = options;
    this.#log = log;
    this.#instance = new NetworkInstance({
      log,
      report: options.report,
      directories: options.directories,
      onDnsmasqExit: options.wake,
      nft: options.nft,
      metadataListens: () => this.#metadata?.isListening ?? false,
    });
    this.#hostSets = new HostSets({
      logFile: this.#instance.dnsmasqLog,
      reopenLog: () => this.#instance.dnsmasq.reopenLog(),
      maxLogBytes: options.maxLogBytes,
      onRequest,
      log,
    });
  }

  get sysctls(): ReadonlyMap<string, string> {
    return this.#instance.sysctls;
  }

  suspectRules(): void {
    this.#instance.firewall.suspect();
  }

  rulesChanged(): void {
    this.#instance.firewall.changedByOthers();
  }

  fightDueMs(): number | null {
    return this.#instance.fights.due();
  }

  get counts(): Counts {
    return this.#instance.counts;
  }

  async adopt(): Promise<void> {
    await this.#instance.dnsmasq.adopt();
  }

  async reconcile(intent: Intent): Promise<PassResult> {
    this.#intent = intent;
    if (intent.config.vpn) this.#instance.tunnels ??= await this.#startTunnels();
    const result = await this.#instance.reconcile(intent);
    if (!this.#hasServices) {
      this.#hasServices = true;
      await this.#startServices();
      await this.#hostSets.start(intent, !result.rulesRebuilt);
    }
    await this.#hostSets.follow(intent, result.rulesRebuilt);
    return result;
  }

  items(): Map<string, ItemState> {
    return this.#instance.items();
  }

  facts() {
    const { dnsmasq, tunnels } = this.#instance;
    return { dnsmasqPid: dnsmasq.pid ?? 0, ports: [], faults: tunnels?.faults() ?? [] };
  }

  services(): number[] {
    const { dnsmasq, tunnels } = this.#instance;
    return [dnsmasq.pid ?? 0, tunnels?.status().charonPid ?? 0].filter(pid => pid > 0);
  }

  vpn(): VpnStatus | null {
    return this.#instance.tunnels?.status() ?? null;
  }

  taken({ mac, ipv4, ipv6 }: AppInterfaceConfig): TakenAddresses {
    const own = this.#leases.filter(lease => lease.mac === mac.toLowerCase());
    return {
      seen: own.map(({ address }) => ({ address, source: 'dhcp' })),
      leaseExpiry: own[0]?.expiry ?? 0,
      hostname: own[0]?.hostname ?? '',
      isMismatch: own.some(({ address }) => address !== ipv4 && address !== ipv6),
    };
  }

  async look(): Promise<boolean> {
    return false; // leases and tunnels make events
  }

  async stopServices(): Promise<void> {
    await Promise.all([this.#instance.dnsmasq.stop(), this.#instance.tunnels?.stop()]);
  }

  async #startTunnels(): Promise<Tunnels> {
    const { run, log } = this.#options.directories;
    const tunnels = new Tunnels({
      directory: join(run, 'charon'),
      logFile: join(log, 'charon.log'),
      maxLogBytes: this.#options.maxLogBytes,
      log: this.#log,
      report: this.#options.report,
      // No pass: charon's device, when it comes, is an event of the kernel's, and Ipsec keeps charon as it was told.
      onChange: this.#options.tell,
    });
    await tunnels.adopt();
    return tunnels;
  }

  async #startServices(): Promise<void> {
    // Only now: Node's HTTP takes a manager time to load, which it has after its start, and one of a switch does without.
    const { MetadataServer } = await import('./metadata/server.ts');
    this.#metadata = new MetadataServer({
      log: this.#log,
      lookup: address => findCaller(address, this.#intent?.apps ?? [], this.#leases),
      external: () => externalAddresses(this.#intent?.uplinks ?? []),
      device: () => this.#intent?.config.device ?? null,
      onListening: this.#options.tell,
    });
    this.#metadata.start();
    watchLeases(
      join(this.#options.directories.run, 'dnsmasq'),
      found => {
        this.#leases = found;
        this.#options.tell();
      },
      error => this.#log.warn({ err: error }, 'leases are not watched'),
    );
  }
}
