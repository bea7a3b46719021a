import type { Issue } from '../../shared/config/model.ts';
import type { Hub, Identity } from '../../shared/pubsub/index.ts';

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
  bridge: string;
  isolation: string;
  transit: { device: string; address: string; peer: string } | null;
  /** Uptime in seconds. */
  manager: { pid: number | null; state: string; restarts: number; uptime: number };
  driftRepairs: number;
  nftTransactions: number;
  ipBatches: number;
  dnsmasqPid: number;
  aces: AceReport[];
  itemsInError: string[];
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
  vif: string;
  vifNumber: number;
  mac: string;
  /** The address meant for it. */
  ipv4: string;
  /** The addresses that it has taken. */
  leased: string[];
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
}

/** What the API asks of the daemon. */
export interface DaemonControl {
  status(): StatusReport;
  flows(networkInstance: string): FlowReport[];
  apply(text: string, name: string, options: { dryRun: boolean }): Promise<ApplyResult>;
  restart(networkInstance: string): Promise<void>;
  stop(): Promise<void>;
  /** Of a network instance's manager, or of the supervisor. */
  logFile(networkInstance: string | null): string;
  /** Of a network instance or an app; throws when there is none. */
  target(name: string): Target;
  readonly hub: Hub;
  readonly identity: Identity;
}
