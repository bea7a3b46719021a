import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../../shared/config/model.ts';
import type { Log } from '../../shared/log/log.ts';
import { namespaceInode } from '../namespaces/namespaces.ts';
import { type Attachable, inside } from './attachable.ts';
import { ensureTap } from './tap.ts';
import { createVeths, ensureVeth, type WantedVeth } from './veth.ts';

/** How long a new VIF may take to show up in the manager's status. */
const SETTLE_MS = 3_000;

/** What a VIF leads to. */
interface Target {
  /** Another one: the VIF is to be made anew. */
  key: string;
  /** Null: a TAP. */
  veth: WantedVeth | null;
  /** False: all was there. */
  ensure(): Promise<boolean>;
}

/** What is known of VIFs before they are looked at. */
interface Known {
  /** What the manager last saw; undefined: it has not told. */
  present: (vif: string) => boolean | undefined;
  /** The NI's namespace was made by this process: nothing in there is from an earlier life. */
  isFresh: boolean;
}

/** Connects apps to their network instances: by a veth with one end in each namespace, or by a TAP for a guest. */
export class Attacher {
  readonly #prefix: string;
  readonly #log: Log;
  /** The VIFs that were wanted last. */
  readonly #wanted = new Map<string, { wanted: Attachable; present: Known['present'] }>();
  readonly #attached = new Map<string, { key: string; tap: boolean; since: number }>();
  readonly #states = new Map<string, { state: string; error: string | null }>();

  constructor(prefix: string, log: Log) {
    this.#prefix = prefix;
    this.#log = log;
  }

  state(vif: string): { state: string; error: string | null } {
    return this.#states.get(vif) ?? { state: 'waiting', error: null };
  }

  /** It was attached long enough ago for the manager to have seen it. */
  isSettled(vif: string): boolean {
    const since = this.#attached.get(vif)?.since;
    return since !== undefined && Date.now() - since >= SETTLE_MS;
  }

  /** Makes the VIFs of a network instance whose apps are there and that are missing. */
  async ensure(all: readonly Attachable[], { present, isFresh }: Known): Promise<void> {
    const due: { wanted: Attachable; target: Target }[] = [];
    for (const wanted of all) {
      const target = await this.#due(wanted, present(wanted.vif));
      this.#wanted.set(wanted.vif, { wanted, present });
      if (target) due.push({ wanted, target });
    }
    const unseen = due.filter(({ wanted }) => isFresh && !this.#attached.has(wanted.vif));
    const made = await createVeths(unseen.flatMap(({ target }) => target.veth ?? []));
    for (const { wanted, target } of due) await this.#attach(wanted, target, made.has(wanted.vif));
  }

  /** Whether `ensure` would find something to do: an app's namespace came, went or is another one, a VIF is missing or could not be made. */
  async isBehind(): Promise<boolean> {
    for (const [vif, { wanted, present }] of this.#wanted) {
      const target = await this.#target(wanted);
      if (target?.key !== this.#attached.get(vif)?.key) return true;
      if (target && present(vif) === false && this.isSettled(vif)) return true;
    }
    return false;
  }

  /** Null: the app is not there, or all is as it should be. */
  async #due(wanted: Attachable, present: boolean | undefined): Promise<Target | null> {
    const { app, vif } = wanted;
    const target = await this.#target(wanted);
    const known = this.#attached.get(vif);
    if (target === null) {
      // A veth went with the app's namespace; a TAP from before is a way in that nobody wants any more.
      if (known?.tap) await this.remove(vif, wanted.netPath);
      this.#attached.delete(vif);
      this.#states.set(vif, { state: 'waiting', error: waitingFor(app, this.#prefix) });
      return null;
    }
    return known?.key === target.key && (present !== false || !this.isSettled(vif)) ? null : target;
  }

  async #attach({ app, vif }: Attachable, { key, veth, ensure }: Target, isMade: boolean): Promise<void> {
    try {
      if (isMade || (await ensure())) this.#log.info({ vif, app: app.name }, `${app.name} attached by ${key}`);
      this.#attached.set(vif, { key, tap: veth === null, since: Date.now() });
      this.#states.set(vif, { state: 'online', error: null });
    } catch (error) {
      const text = (error as Error).message;
      if (this.#states.get(vif)?.error !== text) this.#log.error({ vif, app: app.name, err: error }, text);
      this.#states.set(vif, { state: 'error', error: text });
    }
  }

  /** Removes a VIF that nobody wants any more. */
  async remove(vif: string, netPath: string): Promise<void> {
    this.#forget(vif);
    await inside(netPath, ['ip', 'link', 'del', 'dev', vif]).catch(() => {}); // gone with its app
  }

  /** Removes all VIFs of a network instance, before its namespace goes: a namespace's end takes its links with it only later. */
  async removeAll(vifs: readonly string[], netPath: string): Promise<void> {
    if (vifs.length === 0) return;
    const batch = vifs.map(vif => `link del dev ${vif}\n`).join('');
    await inside(netPath, ['ip', '-force', '-batch', '-'], batch).catch(() => {});
    for (const vif of vifs) this.#forget(vif);
  }

  #forget(vif: string): void {
    this.#wanted.delete(vif);
    this.#attached.delete(vif);
    this.#states.delete(vif);
  }

  /** Null: the app is not there. */
  async #target(wanted: Attachable): Promise<Target | null> {
    const { attach } = wanted.app;
    if (attach.kind === 'tap') {
      return { key: `a TAP of ${attach.user}`, veth: null, ensure: () => ensureTap(wanted, attach.user) };
    }
    for (const path of candidates(wanted.app, this.#prefix)) {
      const inode = (await stat(path).catch(() => null)) && (await namespaceInode(path));
      if (inode === null) continue;
      const veth = { wanted, appPath: path };
      return { key: `${wanted.device} in net:[${inode}]`, veth, ensure: () => ensureVeth(veth) };
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
