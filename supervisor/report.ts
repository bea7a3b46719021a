import { formatIssue } from '../shared/config/index.ts';
import type { App, DeviceConfig, NetworkInstance } from '../shared/config/model.ts';
import { FlowAction, State } from '../shared/proto/messages.ts';
import type { FlowReport, NetworkInstanceReport, StatusReport } from './api/contract.ts';
import type { Attacher } from './attach/attacher.ts';
import type { Instance } from './instances/instance.ts';

const STATES: Record<number, string> = {
  [State.STATE_NONE]: 'init',
  [State.INIT]: 'init',
  [State.ONLINE]: 'online',
  [State.DEGRADED]: 'degraded',
  [State.FAILED]: 'failed',
};

export interface ReportSources {
  config: DeviceConfig;
  instances: ReadonlyMap<string, Instance>;
  attacher: Attacher;
  prefix: string;
  version: string;
  /** NI -> why it is refused or failing, beside its own issues. */
  errors: ReadonlyMap<string, string>;
  warnings: readonly string[];
}

/** What `nibox status` shows. */
export function statusReport(sources: ReportSources): StatusReport {
  return {
    supervisor: { pid: process.pid, version: sources.version, state: 'running' },
    networkInstances: sources.config.networkInstances.map(ni => instanceReport(ni, sources)),
    apps: sources.config.apps.map(app => appReport(app, sources)),
    warnings: [...sources.warnings],
  };
}

function instanceReport(ni: NetworkInstance, { instances, errors, prefix }: ReportSources): NetworkInstanceReport {
  const instance = instances.get(ni.name);
  const status = instance?.status;
  const intent = instance?.intent;
  const error = [...ni.issues.map(formatIssue), errors.get(ni.name), status?.error].filter(Boolean).join('\n');
  return {
    name: ni.name,
    type: ni.type,
    state: stateOf(ni, instance, errors.get(ni.name)),
    error: error || null,
    namespace: instance ? `${prefix}-${ni.name}` : '',
    number: intent?.number ?? 0,
    subnet: ni.ipv4?.subnet ?? ni.ipv6?.subnet ?? '',
    port: ni.port,
    uplink: intent?.uplink?.interface ?? '',
    bridge: status?.bridge ?? '',
    isolation: status?.isolation ?? '',
    transit: intent?.config.transit ? { device: intent.device, address: intent.address, peer: intent.peer } : null,
    manager: {
      pid: instance?.manager.pid ?? null,
      state: instance?.manager.state ?? 'stopped',
      restarts: instance?.manager.restarts ?? 0,
      uptime: instance?.manager.uptime ?? 0,
    },
    driftRepairs: status?.driftRepairs ?? 0,
    nftTransactions: status?.nftTransactions ?? 0,
    ipBatches: status?.ipBatches ?? 0,
    dnsmasqPid: status?.dnsmasqPid ?? 0,
    aces: (instance?.metrics?.aces ?? []).map(({ vif, appName, aceId, flows, bytes }) => ({
      vif,
      app: appName,
      aceId,
      flows,
      bytes,
    })),
    itemsInError: status?.error ? status.error.split('\n') : [],
  };
}

function stateOf(ni: NetworkInstance, instance: Instance | undefined, error: string | undefined): string {
  if (ni.issues.length > 0 || error) return 'error';
  if (!ni.activate) return 'inactive';
  if (!instance?.status) return 'init';
  return instance.converged || instance.status.state !== State.ONLINE ? STATES[instance.status.state]! : 'init';
}

function appReport(app: App, { instances, attacher }: ReportSources): StatusReport['apps'][number] {
  const interfaces = app.interfaces.map(source => {
    const instance = instances.get(source.networkInstance);
    const vif = instance?.intent?.vifs.find(candidate => candidate.source === source);
    const status = vif && instance?.interfaceStatus(vif.message.vif);
    const attached = vif && attacher.state(vif.message.vif);
    const issues = source.issues.map(formatIssue).join('\n');
    const state = issues ? 'error' : (attached?.state ?? 'waiting');
    return {
      name: source.name,
      device: source.device,
      networkInstance: source.networkInstance,
      vif: vif?.message.vif ?? '',
      vifNumber: vif?.message.vifNumber ?? 0,
      mac: vif?.message.mac ?? '',
      ipv4: vif?.message.ipv4 ?? '',
      leased: status?.addresses ?? [],
      leaseExpiry: status?.leaseExpiry ?? 0,
      state: state === 'online' ? (status?.state ?? 'init') : state,
      error: issues || attached?.error || status?.error || null,
    };
  });
  const states = interfaces.map(({ state }) => state);
  const state = states.includes('error') ? 'error' : states.every(one => one === 'online') ? 'online' : 'waiting';
  return { name: app.name, uuid: app.uuid, state: app.activate ? state : 'inactive', interfaces };
}

/** What `nibox flows` shows, oldest first. */
export function flowReports(instance: Instance): FlowReport[] {
  const batches = [...instance.flows].sort((a, b) => a.sequence - b.sequence);
  return batches.flatMap(({ flows }) =>
    flows.map(flow => ({
      app: flow.appName,
      vif: flow.vif,
      aceId: flow.aceId,
      action: flow.action === FlowAction.FLOW_DROP ? 'drop' : 'accept',
      inbound: flow.inbound,
      source: flow.source,
      sourcePort: flow.sourcePort,
      destination: flow.destination,
      destinationPort: flow.destinationPort,
      protocol: flow.protocol,
      start: flow.start,
      end: flow.end,
      txPackets: flow.txPackets,
      txBytes: flow.txBytes,
      rxPackets: flow.rxPackets,
      rxBytes: flow.rxBytes,
    })),
  );
}
