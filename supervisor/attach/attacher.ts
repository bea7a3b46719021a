import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../../shared/config/model.ts';
import type { Log } from '../../shared/log/log.ts';
import { namespaceInode } from '../namespaces/namespaces.ts';
import { type Attachable, inside } from './attachable.ts';
import { ensureTap } from './tap.ts';
import { ensureVeth } from './veth.ts';

/** How long a new VIF may take to show up in the manager's status. */
const SETTLE_MS = 3_000;

/** What a VIF leads to. */
interface Target {
  /** Another one: the VIF is to be made anew. */
  key: string;
  tap: boolean;
  /** False: all was there. */
  ensure(): Promise<boolean>;
}

/** Connects apps to their network instances: by a veth with one end in each namespace, or by a TAP for a guest. */
export class Attacher {
  readonly #prefix: string;
  readonly #log: Log;
  readonly #attached = new Map<string, { key: string; tap: boolean; since: number }>();
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
    const { app, vif } = wanted;
    const target = await this.#target(wanted);
    const known = this.#attached.get(vif);
    if (target === null) {
      // A veth went with the app's namespace; a TAP from before is a way in that nobody wants any more.
      if (known?.tap) await this.remove(vif, wanted.netPath);
      this.#attached.delete(vif);
      this.#states.set(vif, { state: 'waiting', error: waitingFor(app, this.#prefix) });
      return;
    }
    const { key, tap } = target;
    const settling = known !== undefined && Date.now() - known.since < SETTLE_MS;
    if (known?.key === key && (present !== false || settling)) return;
    try {
      if (await target.ensure()) this.#log.info({ vif, app: app.name }, `${app.name} attached by ${key}`);
      this.#attached.set(vif, { key, tap, since: Date.now() });
      this.#states.set(vif, { state: 'online', error: null });
    } catch (error) {
      const text = (error as Error).message;
      if (this.#states.get(vif)?.error !== text) this.#log.error({ vif, app: app.name, err: error }, text);
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
    const batch = vifs.map(vif => `link del dev ${vif}\n`).join('');
    await inside(netPath, ['ip', '-force', '-batch', '-'], batch).catch(() => {});
    for (const vif of vifs) {
      this.#attached.delete(vif);
      this.#states.delete(vif);
    }
  }

  /** Null: the app is not there. */
  async #target(wanted: Attachable): Promise<Target | null> {
    const { attach } = wanted.app;
    if (attach.kind === 'tap') {
      return { key: `a TAP of ${attach.user}`, tap: true, ensure: () => ensureTap(wanted, attach.user) };
    }
    for (const path of candidates(wanted.app, this.#prefix)) {
      const inode = (await stat(path).catch(() => null)) && (await namespaceInode(path));
      if (inode === null) continue;
      return { key: `${wanted.device} in net:[${inode}]`, tap: false, ensure: () => ensureVeth(wanted, path) };
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
  return `waits for its network namespace (${candidates(app, prefix).join(' or ')})`;
}
