import type { Log } from '../shared/log/log.ts';
import type { AppInterfaceConfig, ItemState } from '../shared/proto/messages.ts';
import { ACL_TABLES } from './acl/observe.ts';
import type { Intent } from './intent.ts';
import type { Keeper, KeeperOptions } from './keeper.ts';
import { AddressLearner } from './learn/address-learner.ts';
import type { Counts, PassResult } from './network-instance.ts';
import type { TakenAddresses } from './status.ts';
import { SwitchInstance } from './switch-instance.ts';

/** A switch: a bridge with its ports, and what is learnt of the apps on it. It has no services. */
export class SwitchKeeper implements Keeper {
  readonly aclTable = ACL_TABLES.switch;
  readonly portFlags = { locked: true, learning: false, flood: false, guard: true };
  readonly tracksConnections = false;
  readonly #instance: SwitchInstance;
  readonly #learner: AddressLearner;

  constructor({ directories, report, nft }: KeeperOptions, log: Log) {
    this.#instance = new SwitchInstance({ log, report, runDirectory: directories.run, nft });
    this.#learner = new AddressLearner(log);
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

  async adopt(): Promise<void> {}

  reconcile(intent: Intent): Promise<PassResult> {
    return this.#instance.reconcile(intent);
  }

  items(): Map<string, ItemState> {
    return this.#instance.items();
  }

  facts() {
    return { dnsmasqPid: 0, ports: this.#instance.ports, faults: [] };
  }

  services(): number[] {
    return [];
  }

  vpn(): null {
    return null;
  }

  taken({ mac }: AppInterfaceConfig): TakenAddresses {
    const leaseExpiry = this.#learner.leaseExpiry(mac);
    return { seen: this.#learner.of(mac), leaseExpiry, hostname: '', isMismatch: false };
  }

  look({ apps }: Intent, { presentVifs }: PassResult): Promise<boolean> {
    return this.#learner.look(apps, new Set(presentVifs.keys()));
  }

  async stopServices(): Promise<void> {}
}
