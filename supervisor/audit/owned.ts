import type { App, DeviceConfig, NetworkInstance } from '../../shared/config/model.ts';

/** A network instance that is to run, with the names that are its own. */
export interface OwnedInstance {
  name: string;
  /** Null: it has none yet, so nothing of it can be there. */
  number: number | null;
  hasTransit: boolean;
  vifs: ReadonlySet<string>;
  /** Its processes as its manager tells them. Null: nobody knows now, so none is judged. */
  processes: OwnedProcesses | null;
}

/** Pids; null: unknown, or none. */
export interface OwnedProcesses {
  manager: number;
  dnsmasq: number | null;
  charon: number | null;
}

/** All that has an owner under one prefix. */
export interface Owned {
  prefix: string;
  runDirectory: string;
  stateDirectory: string;
  instances: ReadonlyMap<string, OwnedInstance>;
  /** Uplink interfaces of the config. */
  uplinks: ReadonlySet<string>;
  /** Names of apps: their namespaces may carry the prefix, too. */
  apps: ReadonlySet<string>;
  /** Managers' bundles that are needed though no process may run them now. */
  code: ReadonlySet<string>;
  /** Since when the daemon runs that writes here, Unix milliseconds; 0: who writes is not known. */
  since: number;
}

/** Numbers that were given out; null: none was. */
export interface KnownNumbers {
  knownInstance(uuid: string): number | null;
  knownApp(uuid: string): number | null;
}

/** What a config's network instances own. */
export function ownedInstances(
  config: DeviceConfig,
  numbers: KnownNumbers,
  processesOf: (name: string) => OwnedProcesses | null,
): Map<string, OwnedInstance> {
  const active = config.networkInstances.filter(({ issues, activate }) => issues.length === 0 && activate);
  return new Map(
    active.map(ni => [
      ni.name,
      {
        name: ni.name,
        number: numbers.knownInstance(ni.uuid),
        hasTransit: ni.port !== '' && ni.type !== 'switch',
        vifs: new Set(config.apps.flatMap(app => vifNames(app, ni, numbers))),
        processes: processesOf(ni.name),
      },
    ]),
  );
}

function vifNames(app: App, { name }: NetworkInstance, numbers: KnownNumbers): string[] {
  const number = numbers.knownApp(app.uuid);
  if (!app.activate || number === null) return [];
  return app.interfaces.flatMap(({ networkInstance, issues }, index) =>
    networkInstance === name && issues.length === 0 ? [`nbu${index + 1}x${number}`] : [],
  );
}
