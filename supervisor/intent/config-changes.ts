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

/**
 * The names of network instances that a change may mean something to, themselves or by an app that is or was on them. null: it concerns
 * the device as a whole.
 */
export function touchedInstances(before: DeviceConfig, after: DeviceConfig): ReadonlySet<string> | null {
  if (DEVICE_WIDE.some(([key]) => differ(before[key], after[key]))) return null;
  const apps = [...withoutSame(after.apps, before.apps), ...withoutSame(before.apps, after.apps)];
  return new Set([
    ...withoutSame(after.networkInstances, before.networkInstances).map(({ name }) => name),
    ...apps.flatMap(app => app.interfaces.map(one => one.networkInstance)),
  ]);
}

/** Those that the others have not, or not like this. */
function withoutSame<T extends { name: string }>(some: readonly T[], others: readonly T[]): T[] {
  const byName = new Map(others.map(one => [one.name, one]));
  return some.filter(one => differ(byName.get(one.name), one));
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
  return textOf(a) !== textOf(b);
}

/** Of parts of configs, which nobody changes: what was new in one comparison is old in the next. */
const texts = new WeakMap<object, string>();

function textOf(part: unknown): string {
  if (typeof part !== 'object' || part === null) return JSON.stringify(part);
  const text = texts.get(part) ?? JSON.stringify(part);
  texts.set(part, text);
  return text;
}
