import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../../shared/config/model.ts';
import { CommandError, run } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';
import { namespaceInode } from '../namespaces/namespaces.ts';

export interface Attachable {
  app: App;
  vif: string;
  mac: string;
  mtu: number;
  /** Name of the app's end. */
  device: string;
  /** The NI's namespace. */
  netPath: string;
}

/** How long a new VIF may take to show up in the manager's status. */
const SETTLE_MS = 3_000;

/** Connects apps to their network instances: a veth with one end in each namespace. */
export class Attacher {
  readonly #prefix: string;
  readonly #log: Log;
  readonly #attached = new Map<string, { inode: number; since: number }>();
  readonly #states = new Map<string, { state: string; error: string | null }>();

  constructor(prefix: string, log: Log) {
    this.#prefix = prefix;
    this.#log = log;
  }

  state(vif: string): { state: string; error: string | null } {
    return this.#states.get(vif) ?? { state: 'waiting', error: null };
  }

  /** Makes the VIF when the app is there and it is missing. `present`: what the manager last saw; undefined: it has not told. */
  async ensure(wanted: Attachable, present: boolean | undefined): Promise<void> {
    const { vif } = wanted;
    const path = await this.#findNamespace(wanted.app);
    const inode = path === null ? null : await namespaceInode(path);
    if (path === null || inode === null) {
      this.#attached.delete(vif);
      this.#states.set(vif, { state: 'waiting', error: waitingFor(wanted.app, this.#prefix) });
      return;
    }
    const known = this.#attached.get(vif);
    const settling = known !== undefined && Date.now() - known.since < SETTLE_MS;
    if (known?.inode === inode && (present !== false || settling)) return;
    try {
      await this.#make(wanted, path);
      this.#attached.set(vif, { inode, since: Date.now() });
      this.#states.set(vif, { state: 'online', error: null });
    } catch (error) {
      const text = (error as Error).message;
      if (this.#states.get(vif)?.error !== text) this.#log.error({ vif, app: wanted.app.name, err: error }, text);
      this.#states.set(vif, { state: 'error', error: text });
    }
  }

  /** Removes a VIF that nobody wants any more. */
  async remove(vif: string, netPath: string): Promise<void> {
    this.#attached.delete(vif);
    this.#states.delete(vif);
    await inside(netPath, ['ip', 'link', 'del', 'dev', vif]).catch(() => {}); // gone with its app
  }

  /** Removes all VIFs of a network instance, before its namespace goes: a namespace's end takes its links with it only later. */
  async removeAll(vifs: readonly string[], netPath: string): Promise<void> {
    if (vifs.length === 0) return;
    const input = vifs.map(vif => `link del dev ${vif}\n`).join('');
    await run('nsenter', [`--net=${netPath}`, '--', 'ip', '-force', '-batch', '-'], { input }).catch(() => {});
    for (const vif of vifs) {
      this.#attached.delete(vif);
      this.#states.delete(vif);
    }
  }

  async #make(wanted: Attachable, appPath: string): Promise<void> {
    const { vif, device, mac, mtu, netPath } = wanted;
    const there = await linkMac(appPath, device);
    if (there !== mac.toLowerCase()) {
      if (there !== null) {
        throw new Error(
          `${wanted.app.name} already has an interface ${device} (${there}) that is not nibox's; remove it, or give this ` +
            `interface another name with \`device\``,
        );
      }
      const create = ['ip', 'link', 'add', 'name', vif, 'mtu', `${mtu}`, 'netns', netPath, 'type', 'veth', 'peer'];
      const peer = ['name', device, 'address', mac, 'mtu', `${mtu}`, 'netns', appPath];
      try {
        await run(create[0]!, [...create.slice(1), ...peer]);
      } catch (error) {
        if (!(error instanceof CommandError) || !error.stderr.includes('File exists')) throw error;
        await inside(netPath, ['ip', 'link', 'del', 'dev', vif]); // its other end went to an app that is no more
        await run(create[0]!, [...create.slice(1), ...peer]);
      }
      this.#log.info({ vif, app: wanted.app.name, device }, `${wanted.app.name} attached as ${device}`);
    }
    await inside(appPath, ['ip', 'link', 'set', 'dev', device, 'up']);
  }

  async #findNamespace(app: App): Promise<string | null> {
    for (const path of candidates(app, this.#prefix)) {
      if (await stat(path).catch(() => null)) return path;
    }
    return null;
  }
}

function candidates({ name, attach }: App, prefix: string): string[] {
  switch (attach.kind) {
    case 'byName':
      return [`/run/netns/${prefix}-${name}`, `/run/netns/${name}`];
    case 'netns':
      return [attach.path.includes('/') ? attach.path : join('/run/netns', attach.path)];
    case 'pid':
      return [`/proc/${attach.pid}/ns/net`];
    case 'tap':
      return [];
  }
}

function waitingFor(app: App, prefix: string): string {
  if (app.attach.kind === 'tap') return 'TAP interfaces are not built yet';
  return `waits for its network namespace (${candidates(app, prefix).join(' or ')})`;
}

async function linkMac(netns: string, device: string): Promise<string | null> {
  try {
    const [link] = JSON.parse(await inside(netns, ['ip', '-j', 'link', 'show', 'dev', device])) as {
      address: string;
    }[];
    return link?.address ?? null;
  } catch (error) {
    if (error instanceof CommandError && error.stderr.includes('does not exist')) return null;
    throw error;
  }
}

function inside(netns: string, command: readonly string[]): Promise<string> {
  return run('nsenter', [`--net=${netns}`, '--', ...command]);
}
