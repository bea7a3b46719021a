import type { VpnTunnelStatus } from '../../shared/proto/messages.ts';
import { Backoff } from './backoff.ts';
import { Callers } from './callers.ts';
import type { Validity } from './certificates.ts';
import type { RenderedTunnel } from './connections.ts';
import { type LogClue, readLogLine } from './log-clue.ts';
import { missingChildren } from './missing-children.ts';
import type { IkeSa } from './sa.ts';
import { StableTimes } from './stable-times.ts';
import { isUp, tunnelStatus } from './status.ts';
import { TunnelRecord } from './tunnel-record.ts';
import type { ViciMessage } from './vici/message.ts';
import type { WantedTunnel } from './wanted-tunnels.ts';

interface Entry extends WantedTunnel {
  record: TunnelRecord;
  calls: Backoff;
  sas: IkeSa[];
}

export interface Call {
  tunnel: string;
  children: string[];
  /** Its IKE SA has to go first. */
  isAnew: boolean;
}

/** Calls that fail at once, as with a wrong key, are repeated for ever, but not in a storm. */
const CALLS = { firstMs: 1_000, maxMs: 30_000, stableMs: 10_000 };

/** What is wanted of the tunnels, what charon says of them, and hence their status and which of them to open. */
export class TunnelBook {
  #entries = new Map<string, Entry>();
  readonly #callers = new Callers();
  readonly #times = new StableTimes();
  /** There is no charon. */
  #isCut = true;

  /** Takes in what is wanted. A tunnel that stays as it was keeps its history. */
  want(tunnels: WantedTunnel[]): void {
    this.#entries = new Map(
      tunnels.map(wanted => {
        const old = this.#entries.get(wanted.tunnel.name);
        const isSame = old?.rendered && old.rendered.digest === wanted.rendered?.digest;
        const record = isSame ? old.record : TunnelRecord.after(old?.record);
        if (!wanted.rendered) record.fail(wanted.reason);
        const calls = isSame ? old.calls : new Backoff(CALLS);
        return [wanted.tunnel.name, { ...wanted, record, calls, sas: isSame ? old.sas : [] }];
      }),
    );
  }

  get rendered(): RenderedTunnel[] {
    return [...this.#entries.values()].flatMap(({ rendered }) => rendered ?? []);
  }

  /** Notes why charon does not take a tunnel. */
  fail(tunnel: string, words: string): void {
    const entry = this.#entries.get(tunnel);
    if (!entry) return;
    entry.reason = words;
    entry.record.fail(words);
  }

  /** Tunnels that can't be used as they are configured. */
  get unusable(): { name: string; reason: string }[] {
    return [...this.#entries.values()]
      .filter(({ reason }) => reason !== '')
      .map(({ tunnel, reason }) => ({ name: tunnel.name, reason }));
  }

  /** Notes that charon is gone, and that the tunnels may be opened without delay when it is there again. */
  interrupted(words: string): void {
    this.#isCut = true;
    for (const entry of this.#entries.values()) {
      entry.record.interrupt(words);
      entry.calls.reset();
      entry.sas = [];
    }
  }

  /** Has tunnels that were loaded anew opened at once. */
  loaded(names: string[]): void {
    for (const name of names) {
      const entry = this.#entries.get(name);
      if (!entry) continue;
      entry.reason = '';
      entry.calls.reset();
    }
  }

  /** Takes in a `log` event. True: a status changes by it. */
  noteLog(event: ViciMessage): boolean {
    const clue = readLogLine(String(event.msg ?? ''));
    if (!clue) return false;
    const uniqueId = String(event['ikesa-uniqueid'] ?? '');
    this.#callers.note(uniqueId, clue);
    const complete = this.#callers.complete(uniqueId, clue);
    const address = this.#callers.address(uniqueId);
    const name = String(event['ikesa-name'] ?? '');
    let changes = false;
    for (const entry of this.#concerned(name, address)) {
      const remoteHost = address || this.#remoteHost(entry, uniqueId);
      const exact = ofOwnCertificate(complete, entry.rendered?.validity ?? null, Date.now());
      changes = entry.record.note(exact, entry.tunnel, { uniqueId, remoteHost }) || changes;
    }
    return changes;
  }

  /** Takes in an `ike-updown` event. */
  noteUpDown(event: ViciMessage): void {
    if (event.up === 'yes') return;
    for (const name of Object.keys(event)) this.#entries.get(name)?.record.noteDown();
  }

  /** Takes in what `list-sas` gave. */
  look(sas: IkeSa[], now: number): void {
    this.#isCut = false;
    for (const entry of this.#entries.values()) {
      const { tunnel, rendered, record, calls } = entry;
      entry.sas = sas.filter(({ name }) => name === tunnel.name);
      const isNowUp = rendered !== null && isUp(tunnel, rendered.children, entry.sas);
      record.look(isNowUp, new Set(entry.sas.map(({ uniqueId }) => String(uniqueId))), now);
      if (isNowUp) calls.works(record.upSince, now);
    }
    this.#times.begin(now);
  }

  /** What is to be opened now. Each is noted as tried. */
  takeCalls(now: number): Call[] {
    return this.#callable().flatMap(({ tunnel, rendered, calls, sas }) => {
      const missing = missingChildren(rendered.children, sas);
      if (missing.length === 0 || !calls.isDue(now)) return [];
      // A peer that refuses the child alone may take it with a new IKE SA: its config has changed, or lacks our DH group.
      const isAnew = calls.tries > 0 && sas.length > 0 && missing.length === rendered.children.length;
      calls.tried(now);
      return [{ tunnel: tunnel.name, children: missing, isAnew }];
    });
  }

  /** Unix milliseconds when the next call is due; infinite when nothing is missing. */
  get nextCallAt(): number {
    const missing = this.#callable().filter(({ rendered, sas }) => missingChildren(rendered.children, sas).length > 0);
    return Math.min(Number.POSITIVE_INFINITY, ...missing.map(({ calls }) => calls.dueAt));
  }

  status(): VpnTunnelStatus[] {
    return [...this.#entries.values()].map(({ tunnel, rendered, reason, sas, record }) => {
      const isUsable = rendered !== null && reason === '' && !this.#isCut;
      return tunnelStatus(tunnel, isUsable, sas, record, this.#times);
    });
  }

  #callable() {
    return [...this.#entries.values()].filter(
      (entry): entry is Entry & { rendered: RenderedTunnel } =>
        entry.rendered !== null && entry.reason === '' && !entry.tunnel.server,
    );
  }

  /** A call whose tunnel is not known yet is of those that wait for that address, or else of those that wait for any. */
  #concerned(name: string, caller: string): Entry[] {
    const named = this.#entries.get(name);
    if (named) return [named];
    if (caller === '') return [];
    const waiting = [...this.#entries.values()].filter(({ tunnel, record }) => tunnel.server && record.upSince === 0);
    const expected = waiting.filter(({ tunnel }) => tunnel.remoteGateway === caller);
    return expected.length > 0 ? expected : waiting.filter(({ tunnel }) => tunnel.remoteGateway === '%any');
  }

  #remoteHost({ tunnel, sas }: Entry, uniqueId: string): string {
    const host = sas.find(sa => String(sa.uniqueId) === uniqueId)?.remoteHost;
    return host ?? (tunnel.remoteGateway === '%any' ? '' : tunnel.remoteGateway);
  }
}

/** A peer does not say why it refuses us; an expired certificate is reason enough. */
function ofOwnCertificate(clue: LogClue, validity: Validity | null, now: number): LogClue {
  if (clue.kind !== 'fault' || clue.fault.code !== 'auth-refused' || !validity) return clue;
  if (now >= validity.from && now <= validity.to) return clue;
  const details = [validity.from, validity.to].map(time => new Date(time).toISOString().slice(0, 10));
  return { kind: 'fault', fault: { code: 'own-certificate', details } };
}
