import type { App, DeviceConfig, NetworkInstance } from '../../shared/config/model.ts';
import type { Log } from '../../shared/log/log.ts';
import { parseAddress, parseCidr } from '../../shared/net/address.ts';
import { inside } from '../attach/attachable.ts';
import { type InstanceNamespace, type Namespaces, UIDS_PER_INSTANCE } from '../namespaces/namespaces.ts';
import { type Allocator, interfaceMac } from './allocator.ts';

/** VIFs in an NI's namespace by the MAC of the app's end, lower case. */
export interface RunningVif {
  /** Of the VIF in its NI. */
  number: number;
  /** Of its app; null: no link tells. */
  app: number | null;
}

const MAC = '[0-9a-f]{2}(?::[0-9a-f]{2}){5}';
/** As the rules dispatch to a VIF's chain: by MAC, on a switch by port and MAC. */
const DISPATCH = new RegExp(`(?:"nbu\\d+x(\\d+)" \\. )?(${MAC}) : goto vif_(\\d+)\\b`, 'g');
/** A VIF's static entry in `bridge fdb`. */
const FDB = new RegExp(`^(${MAC}) dev nbu\\d+x(\\d+) .*\\bstatic\\b`, 'gm');

/**
 * Tells the allocator the numbers that network instances and apps have which run: for when its file was lost. A uid is the root side's
 * word; links, rules and bridge are the NI's own, so a number that another one has is not believed.
 */
export async function learnRunningNumbers(
  config: DeviceConfig,
  namespaces: Pick<Namespaces, 'list' | 'find'>,
  allocator: Allocator,
  log: Log,
): Promise<void> {
  const there = new Set(await namespaces.list());
  const running: { ni: NetworkInstance; namespace: InstanceNamespace }[] = [];
  for (const ni of config.networkInstances.filter(({ name }) => there.has(name))) {
    const namespace = await namespaces.find(ni.name).catch((error: unknown) => {
      log.error({ ni: ni.name, err: error }, `the number of ${ni.name} can't be read off its namespace`);
      return null;
    });
    if (namespace) running.push({ ni, namespace });
  }
  for (const { ni, namespace } of running) {
    const number = uidNumber(namespace, config) ?? (await transitNumber(namespace, config));
    const known = number !== null && allocator.learn('instances', ni.uuid, number);
    log.warn({ ni: ni.name, number }, known ? `${ni.name} has number ${number}` : `${ni.name} gets another number`);
  }
  for (const { ni, namespace } of running) {
    try {
      learnVifs(config, ni, await readVifs(namespace.netPath), allocator);
    } catch (error) {
      log.error({ ni: ni.name, err: error }, `the numbers of the apps on ${ni.name} can't be read off its namespace`);
    }
  }
}

/** What the rules and the bridge of a namespace tell. */
export function parseVifs(rules: string, fdb: string): Map<string, RunningVif> {
  const apps = new Map([...fdb.matchAll(FDB)].map(([, mac, app]) => [mac!, Number(app)]));
  return new Map(
    [...rules.matchAll(DISPATCH)].map(([, app, mac, number]) => [
      mac!,
      { number: Number(number), app: app === undefined ? (apps.get(mac!) ?? null) : Number(app) },
    ]),
  );
}

function learnVifs(
  { apps, device }: DeviceConfig,
  ni: NetworkInstance,
  vifs: ReadonlyMap<string, RunningVif>,
  allocator: Allocator,
): void {
  const members = (app: App) => app.interfaces.filter(({ networkInstance }) => networkInstance === ni.name);
  for (const app of apps) {
    for (const source of members(app)) {
      const vif = vifs.get(interfaceMac(device.uuid, app.uuid, ni.uuid, source).toLowerCase());
      if (!vif) continue;
      allocator.learn('vifs', `${ni.uuid}/${app.uuid}/${source.name}`, vif.number);
      if (vif.app !== null) allocator.learn('apps', app.uuid, vif.app);
    }
  }
}

async function readVifs(netPath: string): Promise<Map<string, RunningVif>> {
  const [rules, fdb] = await Promise.all([
    inside(netPath, ['nft', 'list', 'ruleset']),
    inside(netPath, ['bridge', 'fdb', 'show']),
  ]);
  return parseVifs(rules, fdb);
}

/** By the inner end of the transit link, as far as it is in the pool; null: it has none. */
async function transitNumber(namespace: InstanceNamespace, { transitPool }: DeviceConfig): Promise<number | null> {
  const shown = await inside(namespace.netPath, ['ip', '-j', '-4', 'address', 'show', 'dev', 'uplink']).catch(() => '');
  const [link] = JSON.parse(shown || '[]') as { addr_info?: { local: string }[] }[];
  const pool = parseCidr(transitPool)!;
  for (const { local } of link?.addr_info ?? []) {
    const offset = (parseAddress(local)?.value ?? 0n) - pool.value;
    if (offset >= 2n && offset % 4n === 2n) return Number((offset - 2n) / 4n) + 1;
  }
  return null;
}

/** By its range of uids; null: they are of another base. */
function uidNumber({ uid }: InstanceNamespace, { uidBase }: DeviceConfig): number | null {
  const number = (uid - uidBase) / UIDS_PER_INSTANCE + 1;
  return Number.isSafeInteger(number) && number >= 1 ? number : null;
}
