import { join } from 'node:path';
import { isIdentity, type ProcessIdentity } from '../../shared/kernel/process-identity.ts';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import { type RenderedTunnel, sharedId } from './connections.ts';
import { terminate, unlessRefused } from './terminate.ts';
import type { ViciClient } from './vici/client.ts';
import { ViciRefusedError } from './vici/errors.ts';
import type { ViciValue } from './vici/message.ts';

const STATE_FILE = 'charon.loaded';
const VERSION = 1;
const WHEN_LOST = 'charon is told its tunnels anew, which sets them up once more';

interface LoadedTunnel {
  digest: string;
  /** Private keys, by charon's ids. */
  keys: string[];
  hasCertificates: boolean;
}

interface LoadedState extends ProcessIdentity {
  tunnels: Record<string, LoadedTunnel>;
}

export interface SyncResult {
  /** Tunnels that were loaded, again or for the first time. */
  loaded: string[];
  /** Tunnels that were taken out. */
  unloaded: string[];
}

/**
 * What one charon has been told of tunnels. It is kept on disk, so that the next manager tells it differences only: telling a
 * tunnel again would end its SAs.
 */
export class LoadedTunnels {
  readonly #file: StateFile;
  readonly #charon: ProcessIdentity;
  readonly #loaded: Map<string, LoadedTunnel>;
  /** What charon refused, so that it isn't asked again and again. */
  readonly #refused = new Map<string, { digest: string; reason: string }>();

  private constructor(file: StateFile, charon: ProcessIdentity, loaded: Map<string, LoadedTunnel>) {
    this.#file = file;
    this.#charon = charon;
    this.#loaded = loaded;
  }

  /** What that charon has been told so far; nothing when another one is meant by the file. */
  static read(directory: string, charon: ProcessIdentity, report: StateReport): LoadedTunnels {
    const options = { kind: 'tunnels', version: VERSION, report, whenLost: WHEN_LOST };
    const file = new StateFile({ file: join(directory, STATE_FILE), ...options });
    const state = file.read(parseState);
    const isSame = state?.pid === charon.pid && state.startTime === charon.startTime;
    return new LoadedTunnels(file, charon, new Map(isSame ? Object.entries(state.tunnels) : []));
  }

  /** Why charon refused a tunnel as it is wanted; null when it did not. */
  refusal(tunnel: RenderedTunnel): string | null {
    const refused = this.#refused.get(tunnel.name);
    return refused?.digest === tunnel.digest ? refused.reason : null;
  }

  /** Has refused tunnels asked for again. */
  forgetRefusals(): void {
    this.#refused.clear();
  }

  /** Brings charon to know these tunnels and no others. SAs of tunnels that stay as they are go on. */
  async sync(vici: ViciClient, wanted: RenderedTunnel[]): Promise<SyncResult> {
    this.#file.restore();
    const inCharon = new Set(strings((await vici.request('get-conns')).conns));
    const digests = new Map(wanted.map(({ name, digest }) => [name, digest]));
    const isKnown = (name: string) => digests.has(name) && this.#loaded.get(name)?.digest === digests.get(name);
    const unloaded = [...new Set([...inCharon, ...this.#loaded.keys()])].filter(name => !isKnown(name));
    let isCleared = false;
    for (const name of unloaded) isCleared = (await this.#unload(vici, name, inCharon.has(name))) || isCleared;
    if (isCleared) await vici.request('clear-creds');
    const loaded: string[] = [];
    for (const tunnel of wanted) {
      if (isKnown(tunnel.name) && inCharon.has(tunnel.name)) {
        if (isCleared) await this.#loadCredentials(vici, tunnel);
      } else if (this.refusal(tunnel) === null && (await this.#load(vici, tunnel))) {
        loaded.push(tunnel.name);
      }
    }
    return { loaded, unloaded: unloaded.filter(name => !digests.has(name)) };
  }

  /** Gives charon back the secrets that somebody took from it. True: some were missing. */
  async restoreCredentials(vici: ViciClient, wanted: RenderedTunnel[]): Promise<boolean> {
    const shared = new Set(strings((await vici.request('get-shared')).keys));
    const keys = new Set(strings((await vici.request('get-keys')).keys));
    const bare = wanted.filter(
      tunnel =>
        this.#loaded.has(tunnel.name) &&
        (tunnel.loadShared.some(({ id }) => !shared.has(String(id))) ||
          this.#loaded.get(tunnel.name)?.keys.some(id => !keys.has(id))),
    );
    for (const tunnel of bare) await this.#loadCredentials(vici, tunnel);
    return bare.length > 0;
  }

  /** True: charon must forget all credentials, since it can't forget one certificate. */
  async #unload(vici: ViciClient, name: string, isInCharon: boolean): Promise<boolean> {
    const known = this.#loaded.get(name);
    this.#loaded.delete(name);
    this.#save();
    if (isInCharon) await vici.request('unload-conn', { name });
    await terminate(vici, name);
    await unlessRefused(vici.request('unload-shared', { id: sharedId(name) }));
    return known?.hasCertificates ?? false;
  }

  /** False: charon refuses it. */
  async #load(vici: ViciClient, tunnel: RenderedTunnel): Promise<boolean> {
    try {
      const keys = await this.#loadCredentials(vici, tunnel);
      await vici.request('load-conn', tunnel.loadConn);
      this.#loaded.set(tunnel.name, { digest: tunnel.digest, keys, hasCertificates: tunnel.loadCert.length > 0 });
    } catch (error) {
      if (!(error instanceof ViciRefusedError)) throw error;
      this.#refused.set(tunnel.name, { digest: tunnel.digest, reason: error.message });
      return false;
    }
    this.#refused.delete(tunnel.name);
    this.#save();
    return true;
  }

  async #loadCredentials(vici: ViciClient, tunnel: RenderedTunnel): Promise<string[]> {
    for (const message of tunnel.loadShared) await vici.request('load-shared', message);
    for (const message of tunnel.loadCert) await vici.request('load-cert', message);
    const keys: string[] = [];
    for (const message of tunnel.loadKey) keys.push(String((await vici.request('load-key', message)).id));
    return keys;
  }

  #save(): void {
    const state: LoadedState = { ...this.#charon, tunnels: Object.fromEntries(this.#loaded) };
    this.#file.write(JSON.stringify(state));
  }
}

function strings(value: ViciValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function parseState(text: string): LoadedState {
  const state = JSON.parse(text) as LoadedState;
  const isWhole =
    isIdentity(state) &&
    Object.values(state.tunnels ?? [null]).every(one => typeof one?.digest === 'string' && Array.isArray(one.keys));
  if (!isWhole) throw new Error('it does not tell of a charon and its tunnels');
  return state;
}
