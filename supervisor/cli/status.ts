import { ApiError } from '../api/api-error.ts';
import type {
  AppReport,
  ItemReport,
  ManagerReport,
  NetworkInstanceReport,
  PortReport,
  StatusReport,
} from '../api/contract.ts';
import { type CommonOptions, clientOf } from './options.ts';
import { columns, printJson, printLine } from './print.ts';
import { formatSpan } from './span.ts';
import { formatVpns } from './vpn-status.ts';

export interface StatusOptions extends CommonOptions {
  json?: boolean;
  watch?: boolean;
}

/** `nibox status`: of everything, or of one network instance and the apps on it. */
export async function status(ni: string | undefined, options: StatusOptions): Promise<void> {
  const ask = async () => {
    const whole = await clientOf(options).status();
    return ni === undefined ? whole : only(whole, ni);
  };
  const format = (report: StatusReport) => [
    ...formatStatus(report),
    ...(ni === undefined ? [] : [...formatItems(report), ...formatDeaths(report)]),
  ];
  const report = await ask();
  if (options.watch) {
    const { watchStatus } = await import('./watch.ts');
    watchStatus({ options, ask, format });
  } else if (options.json) printJson(report);
  else for (const line of format(report)) printLine(line);
}

/** The items of the network instances that are not in order: errors first, then what waits. */
export function formatItems({ networkInstances }: StatusReport): string[] {
  const wrong = networkInstances.flatMap(({ items }) => items).filter(({ state }) => state !== 'ok');
  if (wrong.length === 0) return [];
  const order = (item: ItemReport) => (item.state === 'error' ? 0 : 1);
  const rows = [...wrong].sort((a, b) => order(a) - order(b)).map(itemRow);
  return ['', ...columns(['ITEM', 'STATE', 'FOR', 'INTENDED', 'ACTUAL', 'WHY'], rows)];
}

/** The last deaths of the network instances' managers, newest first, each with the end of its log. */
export function formatDeaths({ networkInstances }: StatusReport): string[] {
  const deaths = networkInstances.flatMap(({ manager }) => manager.deaths);
  if (deaths.length === 0) return [];
  const rows = [...deaths]
    .sort((a, b) => b.at - a.at)
    .map(({ at, pid, cause, detail, ran }) => [
      new Date(at).toISOString(),
      String(pid),
      cause,
      formatSpan(ran / 1000),
      detail,
    ]);
  const last = deaths.reduce((newest, one) => (one.at > newest.at ? one : newest));
  const log = last.log.map(line => `  ${line}`);
  return [
    '',
    ...columns(['MANAGER DIED', 'PID', 'CAUSE', 'RAN', 'HOW'], rows),
    ...(log.length > 0 ? ['', `its log before ${new Date(last.at).toISOString()}:`, ...log] : []),
  ];
}

/** The status for a terminal. */
export function formatStatus(
  { supervisor, networkInstances, apps, warnings }: StatusReport,
  now = Date.now(),
): string[] {
  const head = `nibox ${supervisor.version}, pid ${supervisor.pid}: ${supervisor.state}`;
  const taps = apps.flatMap(app => tapsOf(app, networkInstances));
  const vpns = formatVpns(networkInstances, now);
  const errors = [...networkInstances.flatMap(errorsOf), ...apps.flatMap(appErrorsOf)];
  return [
    head,
    '',
    ...columns(
      ['NI', 'TYPE', 'STATE', 'SUBNET', 'UPLINK', 'MANAGER', 'PID', 'RESTARTS', 'UPTIME'],
      networkInstances.map(rowOf),
    ),
    ...(vpns.length > 0 ? ['', ...vpns] : []),
    '',
    ...columns(['APP', 'STATE', 'INTERFACE', 'NI', 'ADDRESS', 'INTERFACE STATE'], apps.flatMap(rowsOf)),
    ...(taps.length > 0 ? ['', ...taps] : []),
    ...(errors.length > 0 ? ['', ...errors] : []),
    ...(warnings.length > 0 ? ['', ...warnings.map(warning => `warning: ${warning}`)] : []),
  ];
}

function only(report: StatusReport, name: string): StatusReport {
  const networkInstances = report.networkInstances.filter(instance => instance.name === name);
  if (networkInstances.length === 0) {
    const known = report.networkInstances.map(instance => instance.name).join(', ');
    const message = `there is no network instance ${name}`;
    throw new ApiError(404, { code: 'ERR_UNKNOWN_NI', message, remedy: `there are ${known || 'none'}` });
  }
  const apps = report.apps
    .map(app => ({ ...app, interfaces: app.interfaces.filter(({ networkInstance }) => networkInstance === name) }))
    .filter(({ interfaces }) => interfaces.length > 0);
  return { ...report, networkInstances, apps };
}

function rowOf({
  name,
  type,
  state,
  stale,
  told,
  subnet,
  port,
  uplink,
  ports,
  manager,
}: NetworkInstanceReport): string[] {
  const { pid, restarts, uptime } = manager;
  const via = ports.length > 0 ? ports.map(portText).join(' ') : uplink || port || '-';
  const since = pid === null ? '-' : formatSpan(uptime);
  const shown = stale === null || state !== 'stale' ? state : `${told}? (told ${formatSpan(stale)} ago)`;
  return [name, type, shown, subnet || '-', via, managerText(manager), String(pid ?? '-'), String(restarts), since];
}

/** Its state, and when that ends by itself. */
function managerText({ state, retryAt }: ManagerReport): string {
  return retryAt > Date.now() ? `${state} (${formatSpan((retryAt - Date.now()) / 1000)})` : state;
}

/** An uplink of a switch, with what keeps it from working. */
function portText({ interface: name, state }: PortReport): string {
  return state === 'held' ? name : `${name} (${state})`;
}

function rowsOf({ name, state, interfaces }: AppReport): string[][] {
  if (interfaces.length === 0) return [[name, state, '-', '-', '-', '-']];
  return interfaces.map(({ device, attachment, vif, networkInstance, leased, ipv4, state: own }) => {
    const end = attachment === 'tap' ? vif || '-' : device;
    const address = leased.join(' ') || (ipv4 ? `(${ipv4})` : '-');
    return [name, state, end, networkInstance, address, own];
  });
}

function itemRow({ kind, id, state, since, intended, actual, error }: ItemReport): string[] {
  return [`${kind} ${id}`, state, formatSpan((Date.now() - since) / 1000), intended || '-', actual || '-', error];
}

/** What a guest must be started with. */
function tapsOf({ name, interfaces }: AppReport, instances: readonly NetworkInstanceReport[]): string[] {
  return interfaces
    .filter(({ attachment, vif }) => attachment === 'tap' && vif !== '')
    .map(({ vif, mac, networkInstance }) => {
      const namespace = instances.find(instance => instance.name === networkInstance)?.namespace || networkInstance;
      return `${name}: TAP ${vif} in namespace ${namespace}, the guest's NIC has MAC ${mac}`;
    });
}

function errorsOf({ name, error }: NetworkInstanceReport): string[] {
  return (error ?? '')
    .split('\n')
    .filter(Boolean)
    .map(text => `ERROR: ${name}: ${text}`);
}

function appErrorsOf({ name, interfaces }: AppReport): string[] {
  return interfaces.filter(({ error }) => error).map(({ device, error }) => `ERROR: ${name} ${device}: ${error}`);
}
