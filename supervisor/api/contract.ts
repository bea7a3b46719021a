import type { Issue } from '../../shared/config/model.ts';
import type { Hub, Identity } from '../../shared/pubsub/index.ts';
import type { AuditReport } from '../audit/audit.ts';
import type { Death, DeathCause } from '../supervise/deaths.ts';
import type { UpgradeReport } from '../supervise/upgrade.ts';
import type { VpnReport } from './vpn-contract.ts';

/** What `GET /v1/status` gives. */
export interface StatusReport {
  supervisor: { pid: number; version: string; state: string };
  networkInstances: NetworkInstanceReport[];
  apps: AppReport[];
  warnings: string[];
}

export interface NetworkInstanceReport {
  name: string;
  type: string;
  state: string;
  error: string | null;
  /** The short namespace name, e.g. `nb-ni1`. */
  namespace: string;
  number: number;
  subnet: string;
  /** The port label of the config; empty: air-gapped. */
  port: string;
  /** The uplink interface that the port stands for now. */
  uplink: string;
  /** A switch's uplinks. */
  ports: PortReport[];
  bridge: string;
  isolation: string;
  transit: { device: string; address: string; peer: string } | null;
  manager: ManagerReport;
  /** Seconds since its manager was last in touch: all that it tells is as old; null: it is in touch. */
  stale: number | null;
  /** The state as its manager told it last; empty: never. */
  told: string;
  driftRepairs: number;
  nftTransactions: number;
  ipBatches: number;
  dnsmasqPid: number;
  aces: AceReport[];
  itemsInError: string[];
  items: ItemReport[];
  /** Null: it is none. */
  vpn: VpnReport | null;
}

export interface ManagerReport {
  pid: number | null;
  /** "running", "starting", "suspect", "ending", "waiting", "failed", "refused" or "stopped". */
  state: string;
  restarts: number;
  /** Seconds since its start or adoption. */
  uptime: number;
  /** Of its code; of one that was adopted and has not answered yet: what its successor would have. */
  version: string;
  /** Unix milliseconds of the next start; 0: none is planned. */
  retryAt: number;
  /** How many deaths there were of which cause. */
  causes: Partial<Record<DeathCause, number>>;
  /** The last ones, newest last. */
  deaths: readonly Death[];
}

/** An uplink of a switch. */
export interface PortReport {
  interface: string;
  /** "held": in the switch; "waiting": absent; "pending": to be moved when the bridge is there; "error". */
  state: string;
  /** The device goes on using it by a stand-in of the same name. */
  shared: boolean;
  /** As the bridge says: "forwarding", "blocking", ...; empty: not told. */
  bridged: string;
  error: string | null;
}

/** One thing that the manager keeps in the kernel or running. */
export interface ItemReport {
  /** "link", "address", "route", "sysctl", "nft", "vif", "dnsmasq", "metadata", … */
  kind: string;
  id: string;
  intended: string;
  actual: string;
  /** "ok", "pending", "error" or "unwanted". */
  state: string;
  /** What failed, or what it waits for. */
  error: string;
  /** Unix milliseconds: in this state since then. */
  since: number;
  /** `<kind>:<id>` of what must be in place before it. */
  dependsOn: string[];
}

export interface AceReport {
  vif: string;
  app: string;
  aceId: number;
  flows: number;
  bytes: number;
}

export interface AppReport {
  name: string;
  uuid: string;
  state: string;
  interfaces: AppInterfaceReport[];
}

export interface AppInterfaceReport {
  name: string;
  device: string;
  networkInstance: string;
  /** tap: its VIF is a TAP in the NI's namespace, for a guest whose NIC has `mac`. */
  attachment: 'veth' | 'tap';
  vif: string;
  vifNumber: number;
  mac: string;
  /** The address meant for it. */
  ipv4: string;
  /** The addresses that it has taken. */
  leased: string[];
  /** How each of them is known, in the same order: "dhcp", "arp" or "nd". */
  sources: string[];
  /** Unix seconds; 0: no lease. */
  leaseExpiry: number;
  state: string;
  error: string | null;
}

export interface FlowReport {
  app: string;
  vif: string;
  /** 0: the default drop. */
  aceId: number;
  action: 'drop' | 'accept';
  inbound: boolean;
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  protocol: number;
  /** Unix milliseconds. */
  start: number;
  end: number;
  txPackets: number;
  txBytes: number;
  rxPackets: number;
  rxBytes: number;
}

export interface ApplyResult {
  /** False: refused as a whole, nothing was changed. */
  ok: boolean;
  issues: Issue[];
  /** One line per change; empty: nothing to do. */
  plan: string[];
  converged: boolean;
  /** What did not converge, in words. */
  problems: string[];
}

/** Where to run a program: files of namespaces. */
export interface Target {
  netns: string;
  userns?: string;
  /** As this host uid, with few capabilities. */
  uid?: number;
}

export type { UpgradeReport };

/** What the API asks of the daemon. */
export interface DaemonControl {
  status(): StatusReport;
  flows(networkInstance: string): FlowReport[];
  apply(text: string, name: string, options: { dryRun: boolean }): Promise<ApplyResult>;
  /** Resolves when the new manager is in service. */
  restart(networkInstance: string): Promise<void>;
  startManager(networkInstance: string): Promise<void>;
  stopManager(networkInstance: string): Promise<void>;
  /** Replaces managers by such with the installed code, or this bundle's. */
  upgrade(bundle?: string): Promise<UpgradeReport>;
  /** Finds what carries the prefix and has no owner; with `fix` removes it. */
  audit(options: { fix: boolean }): Promise<AuditReport>;
  /** `keep`: managers, services and traffic go on. */
  stop(keep: boolean): Promise<void>;
  /** Of a network instance's manager, or of the supervisor. */
  logFile(networkInstance: string | null): string;
  /** Of a network instance or an app; throws when there is none. */
  target(name: string): Target;
  readonly hub: Hub;
  readonly identity: Identity;
}
