import type { DeviceConfig } from '../../shared/config/model.ts';
import type { Instance } from '../instances/instance.ts';
import { type KnownNumbers, type Owned, type OwnedProcesses, ownedInstances } from './owned.ts';

export interface SupervisorFacts {
  prefix: string;
  runDirectory: string;
  stateDirectory: string;
  config: DeviceConfig;
  allocator: KnownNumbers;
  instances: ReadonlyMap<string, Instance>;
  code: ReadonlySet<string>;
}

/** What the running supervisor knows to be its own. */
export function ownedBySupervisor(facts: SupervisorFacts): Owned {
  const { prefix, runDirectory, stateDirectory, config, allocator, instances, code } = facts;
  return {
    ...{ prefix, runDirectory, stateDirectory, code },
    since: Date.now() - process.uptime() * 1000,
    instances: ownedInstances(config, allocator, name => processesOf(instances.get(name))),
    uplinks: new Set(config.uplinks.map(uplink => uplink.interface)),
    apps: new Set(config.apps.map(({ name }) => name)),
  };
}

/** Only while its manager is in service: before, nobody knows which dnsmasq and charon it takes over. */
function processesOf(instance: Instance | undefined): OwnedProcesses | null {
  const { pid, state } = instance?.manager ?? {};
  if (!instance || pid === null || pid === undefined || state !== 'running') return null;
  return { manager: pid, dnsmasq: instance.status?.dnsmasqPid || null, charon: instance.vpn?.charonPid || null };
}
