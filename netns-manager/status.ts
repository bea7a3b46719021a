import {
  type AppInterfaceConfig,
  type AppInterfaceStatus,
  type InterfaceCounter,
  type NetworkInstanceMetrics,
  type NetworkInstanceStatus,
  type SeenAddress,
  State,
  type SwitchPortStatus,
} from '../shared/proto/messages.ts';
import type { AclCounters } from './acl/observe.ts';
import { BRIDGE, type Intent } from './intent.ts';
import type { Counts, PassResult } from './network-instance.ts';

/** What is known beside the result of the last pass. */
export interface InstanceFacts {
  /** 0: there is none. */
  dnsmasqPid: number;
  ports: SwitchPortStatus[];
  /** Why tunnels are not up: they don't hold the config up, but the network instance is not as it should be. */
  faults: string[];
  items: number;
  counts: Counts;
  /** Of its files. */
  warnings: string[];
  isolation: string;
}

/** The addresses that an app has taken. */
export interface TakenAddresses {
  seen: SeenAddress[];
  /** Unix seconds; 0: no lease. */
  leaseExpiry: number;
  hostname: string;
  /** One of them is not what was meant for it. */
  isMismatch: boolean;
}

/** What the supervisor is told of the network instance. */
export function instanceStatus({ config }: Intent, result: PassResult, facts: InstanceFacts): NetworkInstanceStatus {
  const { faults, counts, ...others } = facts;
  return {
    name: config.name,
    state: faults.length > 0 && result.state === State.ONLINE ? State.DEGRADED : result.state,
    error: [...[...result.errors].map(([item, error]) => `${item}: ${error}`), ...faults].join('\n'),
    configGeneration: config.generation,
    pid: process.pid,
    bridge: BRIDGE,
    itemsInError: result.errors.size,
    ...counts,
    ...others,
  };
}

/** What the supervisor is told of an app's interface. */
export function interfaceStatus(
  app: AppInterfaceConfig,
  { presentVifs, errors }: PassResult,
  { seen, leaseExpiry, hostname, isMismatch }: TakenAddresses,
): AppInterfaceStatus {
  const vif = presentVifs.get(app.vif);
  const error = errors.get(`vif:${app.vif}`) ?? '';
  return {
    vif: app.vif,
    appName: app.appName,
    present: vif !== undefined,
    mac: app.mac,
    addresses: seen.map(({ address }) => address),
    leaseExpiry,
    hostname,
    addressMismatch: isMismatch,
    error,
    state: error ? 'error' : vif ? 'online' : 'waiting for VIF',
    carrier: vif?.carrier ?? false,
    seen,
  };
}

/** Counters by the names that people know. */
export function instanceMetrics(
  apps: readonly AppInterfaceConfig[],
  { aces, denied }: AclCounters,
  interfaces: InterfaceCounter[],
  conntrackEntries: number,
): NetworkInstanceMetrics {
  const vifs = new Map(apps.map(app => [app.vifNumber, app]));
  return {
    aces: aces.flatMap(({ vif, ace, packets, bytes }) => {
      const app = vifs.get(vif);
      return app ? [{ vif: app.vif, appName: app.appName, aceId: ace, flows: packets, bytes }] : [];
    }),
    interfaces,
    conntrackEntries,
    deniedPackets: denied.packets,
  };
}
