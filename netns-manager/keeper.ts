import type { Nft } from '../shared/kernel/nft.ts';
import type { AppInterfaceConfig, ItemState, VpnStatus } from '../shared/proto/messages.ts';
import type { StateReport } from '../shared/state/state-report.ts';
import type { Intent } from './intent.ts';
import type { Counts, PassResult } from './network-instance.ts';
import type { PortFlags } from './observe/port-look.ts';
import type { InstanceFacts, TakenAddresses } from './status.ts';

/** What keeps one kind of network instance as the supervisor wants it. */
export interface Keeper {
  /** The nft table with its ACLs. */
  readonly aclTable: string;
  /** How the ports of VIFs are set. */
  readonly portFlags: PortFlags;
  /** Flows are tracked, so that the flow log can tell of allowed ones too. */
  readonly tracksConnections: boolean;
  readonly counts: Counts;
  /** Takes over what an earlier manager left running. */
  adopt(): Promise<void>;
  /** One pass; throws only for what makes any further step useless. */
  reconcile(intent: Intent): Promise<PassResult>;
  /** Somebody else may have changed rules: the next pass reads them. */
  suspectRules(): void;
  /** Somebody else has changed rules just now. */
  rulesChanged(): void;
  items(): Map<string, ItemState>;
  facts(): Pick<InstanceFacts, 'dnsmasqPid' | 'ports' | 'faults'>;
  /** Null: it has no tunnels. */
  /** Pids of programs that outlive the manager. */
  services(): number[];
  vpn(): VpnStatus | null;
  taken(app: AppInterfaceConfig): TakenAddresses;
  /** A look between passes at what makes no event. Gives whether there is something to tell. */
  look(intent: Intent, last: PassResult): Promise<boolean>;
  /** Milliseconds until something that somebody else keeps undoing is to be looked at again; null: nothing is. */
  fightDueMs(): number | null;
  /** Sysctls as the last pass left them: path below /proc/sys -> value. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** Before the namespace is removed. */
  stopServices(): Promise<void>;
}

export interface KeeperOptions {
  name: string;
  directories: { run: string; log: string };
  /** Of a service's log file, before it is rotated. */
  maxLogBytes: () => number;
  /** Of the files that it keeps. */
  report: StateReport;
  /** What loads rules. */
  nft: Nft;
  /** A pass is needed. */
  wake: () => void;
  /** There is something to tell. */
  tell: () => void;
}
