import { formatIssue } from '../shared/config/index.ts';
import type { App, DeviceConfig, NetworkInstance } from '../shared/config/model.ts';
import { type AppInterfaceStatus, State } from '../shared/proto/messages.ts';
import type { ItemReport, ManagerReport, NetworkInstanceReport, StatusReport } from './api/contract.ts';
import type { Attacher } from './attach/attacher.ts';
import type { Instance } from './instances/instance.ts';
import type { Manager, ManagerState } from './supervise/manager.ts';
import type { SwitchPorts } from './switch-ports/switch-ports.ts';
import { vpnReport } from './vpn-report.ts';

const STATES: Record<number, string> = {
  [State.STATE_NONE]: 'init',
  [State.INIT]: 'init',
  [State.ONLINE]: 'online',
  [State.DEGRADED]: 'degraded',
  [State.FAILED]: 'failed',
};

/** Nothing happens soon unless somebody does something. */
const GIVEN_UP: readonly ManagerState[] = ['failed', 'refused'];

export interface ReportSources {
  config: DeviceConfig;
  instances: ReadonlyMap<string, Instance>;
  attacher: Attacher;
  switchPorts: SwitchPorts;
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
    warnings: [...sources.warnings, ...weaklySealed(sources), ...ofManagers(sources)],
  };
}

function weaklySealed({ config, instances }: ReportSources): string[] {
  const names = config.networkInstances.map(({ name }) => name);
  const weak = names.filter(name => {
    const instance = instances.get(name);
    return instance && instance.namespace.userPath === undefined;
  });
  if (weak.length === 0) return [];
  return [`${weak.join(', ')}: without user namespaces, kept apart by uid and capabilities alone (docs/isolation.md)`];
}

function ofManagers({ config, instances }: ReportSources): string[] {
  return config.networkInstances.flatMap(({ name }) =>
    (instances.get(name)?.status?.warnings ?? []).map(warning => `${name}: ${warning}`),
  );
}

function instanceReport(
  ni: NetworkInstance,
  { instances, errors, prefix, switchPorts }: ReportSources,
): NetworkInstanceReport {
  const instance = instances.get(ni.name);
  const status = instance?.status;
  const intent = instance?.intent;
  const ports = switchPorts.states(ni.name);
  const failed = [errors.get(ni.name), ...ports.map(port => port.error)].filter(Boolean).join('\n');
  const given = managerError(ni.name, instance?.manager);
  const error = [...ni.issues.map(formatIssue), failed, given, status?.error].filter(Boolean).join('\n');
  return {
    name: ni.name,
    type: ni.type,
    state: stateOf(ni, instance, failed),
    error: error || null,
    namespace: instance ? `${prefix}-${ni.name}` : '',
    number: intent?.number ?? 0,
    subnet: ni.ipv4?.subnet ?? ni.ipv6?.subnet ?? '',
    port: ni.port,
    uplink: intent?.uplink?.interface ?? ports.map(port => port.interface).join(' '),
    ports: ports.map(port => ({
      interface: port.interface,
      state: port.state,
      shared: port.isShared,
      bridged: status?.ports.find(({ name }) => name === port.interface)?.state ?? '',
      error: port.error,
    })),
    bridge: status?.bridge ?? '',
    isolation: status?.isolation ?? '',
    transit: intent?.config.transit ? { device: intent.device, address: intent.address, peer: intent.peer } : null,
    manager: managerReport(instance?.manager),
    stale: instance?.silence ?? null,
    told: status ? STATES[status.state]! : '',
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
    items: (instance?.items ?? []).map(item => ({ ...item })).sort(byKindAndId),
    vpn: vpnReport(ni, instance?.vpn),
  };
}

/** Why there is no manager, and what to do. */
function managerError(ni: string, manager: Manager | undefined): string {
  if (!manager || !GIVEN_UP.includes(manager.state)) return '';
  const { detail = '' } = manager.deaths.kept.at(-1) ?? {};
  return manager.state === 'refused'
    ? `its manager ${detail}: it can't work with this config; change the config and apply it, see \`nibox logs ${ni}\``
    : `its manager ${detail} again and again; see \`nibox logs ${ni}\`, then \`nibox restart ${ni}\``;
}

function managerReport(manager: Manager | undefined): ManagerReport {
  return {
    pid: manager?.pid ?? null,
    state: manager?.state ?? 'stopped',
    restarts: manager?.restarts ?? 0,
    uptime: manager?.uptime ?? 0,
    version: manager?.code.version ?? '',
    retryAt: manager?.retryAt ?? 0,
    causes: manager?.deaths.counts ?? {},
    deaths: manager?.deaths.kept ?? [],
  };
}

function byKindAndId(a: ItemReport, b: ItemReport): number {
  return a.kind === b.kind ? compare(a.id, b.id) : compare(a.kind, b.kind);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function stateOf(ni: NetworkInstance, instance: Instance | undefined, error: string): string {
  if (ni.issues.length > 0 || error) return 'error';
  if (!ni.activate) return 'inactive';
  if (instance && GIVEN_UP.includes(instance.manager.state)) return 'failed';
  if (!instance?.status) return 'init';
  if (instance.silence !== null) return 'stale';
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
    const attachment = app.attach.kind === 'tap' ? ('tap' as const) : ('veth' as const);
    return {
      name: source.name,
      device: source.device,
      networkInstance: source.networkInstance,
      attachment,
      vif: vif?.message.vif ?? '',
      vifNumber: vif?.message.vifNumber ?? 0,
      mac: vif?.message.mac ?? '',
      ipv4: vif?.message.ipv4 ?? '',
      leased: status?.addresses ?? [],
      sources: status?.seen.map(({ source }) => source) ?? [],
      leaseExpiry: status?.leaseExpiry ?? 0,
      state: state === 'online' ? seenState(status, attachment) : state,
      error: issues || attached?.error || status?.error || null,
    };
  });
  const states = interfaces.map(({ state }) => state);
  const state = states.includes('error') ? 'error' : states.every(one => one === 'online') ? 'online' : 'waiting';
  return { name: app.name, uuid: app.uuid, state: app.activate ? state : 'inactive', interfaces };
}

/** The state of a VIF that was made, by what its manager sees. */
function seenState(status: AppInterfaceStatus | undefined, attachment: 'veth' | 'tap'): string {
  if (!status) return 'init';
  return attachment === 'tap' && status.state === 'online' && !status.carrier ? 'waiting for a guest' : status.state;
}
