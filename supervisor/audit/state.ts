import type { DeviceConfig } from '../../shared/config/model.ts';
import type { Allocator } from '../allocate/allocator.ts';
import type { SwitchPorts } from '../switch-ports/switch-ports.ts';
import type { Finding } from './finding.ts';
import type { Owned } from './owned.ts';

/** What a config gives numbers to; see Allocator.retain. */
export interface NumberKeys {
  instances: ReadonlySet<string>;
  apps: ReadonlySet<string>;
  vifs: ReadonlySet<string>;
}

export function numberKeys(config: DeviceConfig): NumberKeys {
  const uuids = new Map(config.networkInstances.map(({ name, uuid }) => [name, uuid]));
  return {
    instances: new Set(config.networkInstances.map(({ uuid }) => uuid)),
    apps: new Set(config.apps.map(({ uuid }) => uuid)),
    vifs: new Set(
      config.apps.flatMap(app =>
        app.interfaces.map(one => `${uuids.get(one.networkInstance)}/${app.uuid}/${one.name}`),
      ),
    ),
  };
}

/** Numbers kept for what is not configured, and records of uplinks that went into switches which are no more. */
export function findState(
  { instances }: Owned,
  { instances: instanceKeys, apps, vifs }: NumberKeys,
  allocator: Allocator,
  switchPorts: SwitchPorts,
  unownedNamespaces: readonly string[],
): Finding[] {
  const numbers = allocator.unowned(instanceKeys, apps, vifs).map((entry): Finding => {
    const remove = async () => allocator.retain(instanceKeys, apps, vifs);
    return {
      kind: 'state',
      name: `number of ${entry}`,
      why: 'the config has none by that UUID',
      how: 'forget it',
      remove,
    };
  });
  const records = switchPorts
    .records()
    .filter(({ ni }) => !instances.has(ni) && !unownedNamespaces.includes(ni))
    .map(({ interface: name, ni }): Finding => {
      const remove = async () => {
        const problems = await switchPorts.giveBack(ni);
        if (problems.length > 0) throw new Error(problems.join('; '));
      };
      const why = `there is no switch ${ni} any more`;
      return {
        kind: 'state',
        name: `record of uplink ${name}`,
        why,
        how: 'give the uplink back to the device',
        remove,
      };
    });
  return [...numbers, ...records];
}
