import { ApiError } from '../api/api-error.ts';
import type { AppReport, NetworkInstanceReport, StatusReport } from '../api/contract.ts';
import { type CommonOptions, clientOf } from './options.ts';
import { columns, printJson, printLine } from './print.ts';

export interface StatusOptions extends CommonOptions {
  json?: boolean;
}

/** `nibox status`: of everything, or of one network instance and the apps on it. */
export async function status(ni: string | undefined, options: StatusOptions): Promise<void> {
  const whole = await clientOf(options).status();
  const report = ni === undefined ? whole : only(whole, ni);
  if (options.json) printJson(report);
  else for (const line of formatStatus(report)) printLine(line);
}

/** The status for a terminal. */
export function formatStatus({ supervisor, networkInstances, apps, warnings }: StatusReport): string[] {
  const head = `nibox ${supervisor.version}, pid ${supervisor.pid}: ${supervisor.state}`;
  const errors = [...networkInstances.flatMap(errorsOf), ...apps.flatMap(appErrorsOf)];
  return [
    head,
    '',
    ...columns(
      ['NI', 'TYPE', 'STATE', 'SUBNET', 'UPLINK', 'MANAGER', 'PID', 'RESTARTS', 'UPTIME'],
      networkInstances.map(rowOf),
    ),
    '',
    ...columns(['APP', 'STATE', 'INTERFACE', 'NI', 'ADDRESS', 'INTERFACE STATE'], apps.flatMap(rowsOf)),
    ...(errors.length > 0 ? ['', ...errors] : []),
    ...(warnings.length > 0 ? ['', ...warnings.map(warning => `warning: ${warning}`)] : []),
  ];
}

/** 75 as `1m15s`: the two biggest units. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const units: [string, number][] = [
    ['d', Math.floor(whole / 86_400)],
    ['h', Math.floor(whole / 3600) % 24],
    ['m', Math.floor(whole / 60) % 60],
    ['s', whole % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first === -1) return '0s';
  return units
    .slice(first, first + 2)
    .map(([unit, count]) => `${count}${unit}`)
    .join('');
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

function rowOf({ name, type, state, subnet, port, uplink, manager }: NetworkInstanceReport): string[] {
  const { pid, restarts, uptime } = manager;
  const via = uplink || port || '-';
  const since = pid === null ? '-' : formatSpan(uptime);
  return [name, type, state, subnet || '-', via, manager.state, String(pid ?? '-'), String(restarts), since];
}

function rowsOf({ name, state, interfaces }: AppReport): string[][] {
  if (interfaces.length === 0) return [[name, state, '-', '-', '-', '-']];
  return interfaces.map(({ device, networkInstance, leased, ipv4, state: own }) => {
    const address = leased.join(' ') || (ipv4 ? `(${ipv4})` : '-');
    return [name, state, device, networkInstance, address, own];
  });
}

function errorsOf({ name, error, itemsInError }: NetworkInstanceReport): string[] {
  return [error, ...itemsInError].filter(text => text !== null).map(text => `ERROR: ${name}: ${text}`);
}

function appErrorsOf({ name, interfaces }: AppReport): string[] {
  return interfaces.filter(({ error }) => error).map(({ device, error }) => `ERROR: ${name} ${device}: ${error}`);
}
