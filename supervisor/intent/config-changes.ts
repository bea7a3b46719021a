import type { App, DeviceConfig } from '../../shared/config/model.ts';

/** What concerns the device as a whole, and what to say of a change of it. */
const DEVICE_WIDE: readonly [keyof DeviceConfig, string][] = [
  ['device', "change the device's identity"],
  ['uplinks', 'change uplinks'],
  ['transitPool', 'change transitPool: transit addresses'],
  ['uidBase', 'change uidBase, for network instances that are made from now on'],
  ['userNamespaces', 'change userNamespaces, for network instances that are made from now on'],
  ['forwardBetweenUplinks', 'change forwardBetweenUplinks'],
  ['supervision', 'change supervision: how managers are watched and restarted'],
  ['resources', 'change resources: what the supervisor and managers may take'],
];

/** The differences between two configs, one line each; none: they mean the same. */
export function configChanges(before: DeviceConfig, after: DeviceConfig): string[] {
  return [
    ...elementChanges(before.networkInstances, after.networkInstances, {
      added: ni => `create network instance ${ni.name} (${ni.type})`,
      changed: ni => `change network instance ${ni.name}`,
      removed: ni => `remove network instance ${ni.name}`,
    }),
    ...elementChanges(before.apps, after.apps, {
      added: app => `add app ${app.name}`,
      changed: (app, old) => `change app ${app.name}${touchedInterfaces(app, old)}`,
      removed: app => `remove app ${app.name}`,
    }),
    ...DEVICE_WIDE.filter(([key]) => differ(before[key], after[key])).map(([, line]) => line),
  ];
}

function elementChanges<T extends { name: string }>(
  before: readonly T[],
  after: readonly T[],
  say: { added(one: T): string; changed(one: T, old: T): string; removed(one: T): string },
): string[] {
  const old = new Map(before.map(one => [one.name, one]));
  const names = new Set(after.map(({ name }) => name));
  const lines = after.flatMap(one => {
    const was = old.get(one.name);
    if (!was) return [say.added(one)];
    return differ(was, one) ? [say.changed(one, was)] : [];
  });
  return [...lines, ...before.filter(({ name }) => !names.has(name)).map(say.removed)];
}

function touchedInterfaces(app: App, old: App): string {
  const touched = app.interfaces.filter((one, index) => differ(one, old.interfaces[index]));
  return touched.length > 0 ? `: interface to ${touched.map(one => one.networkInstance).join(', ')}` : '';
}

function differ(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}
