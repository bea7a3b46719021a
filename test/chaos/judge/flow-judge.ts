import type { DownloadEnd } from '../agent/messages.ts';
import type { LostPing } from '../flows/ping-ledger.ts';
import type { Cuts } from './cuts.ts';

/** Milliseconds after which nobody would blame a process's death for a lost ping. */
const DEATH_BLAME_MS = 3_000;
/** Milliseconds around a flow's last byte within which actions may have ended it: after it, and all together. */
const SILENCE_BLAME_MS = { after: 500, before: 10_000 };
/** Milliseconds between two lost pings of one gap, at most. */
const ONE_GAP_MS = 1_000;

/** A flow that did not end well. */
export interface BrokenFlow {
  networkInstance: string;
  /** Unix milliseconds. */
  began: number;
  ended: number;
  established: boolean;
  problem: string;
  /** What had been done before, newest last. */
  after: string[];
}

/** Pings that were lost one after the other. Unix milliseconds. */
export interface PingGap {
  networkInstance: string;
  from: number;
  until: number;
  count: number;
  /** The last that had been done. */
  blamed: string;
}

/** What was done, as far as it can be blamed. */
export interface Blamed {
  at: number;
  kind: string;
  target: string;
  /** NIs that it is about. */
  affects: readonly string[];
}

/** Judges each flow's end and each lost ping: a cut may do that, a process's death may not. */
export class FlowJudge {
  readonly #cuts: Cuts;
  readonly #deeds: readonly Blamed[];
  readonly downloads = { complete: 0, bytes: 0, brokenInCuts: 0, longestGap: 0, longestGapInCuts: 0 };
  /** No cut explains them. */
  readonly broken: BrokenFlow[] = [];
  /** In cuts, after which kind of other action, and after none ("nothing"). */
  readonly lostPings = new Map<string, number>();
  /** Where pings were lost outside of cuts. */
  readonly pingGaps: PingGap[] = [];
  readonly changedLeases: string[] = [];

  /** `deeds` grows as they are done. */
  constructor(cuts: Cuts, deeds: readonly Blamed[]) {
    this.#cuts = cuts;
    this.#deeds = deeds;
  }

  download(end: DownloadEnd): void {
    const { networkInstance, began, ended, established, problem, longestGap, bytes } = end;
    const isExcused = this.#cuts.excusesFlow(networkInstance, ended, longestGap);
    this.downloads.bytes += bytes;
    if (problem === null) {
      this.downloads.complete += 1;
      const wasCut = this.#cuts.excusesFlow(networkInstance, ended, ended - began);
      const gap = wasCut ? 'longestGapInCuts' : 'longestGap';
      this.downloads[gap] = Math.max(this.downloads[gap], longestGap);
    } else if (isExcused) this.downloads.brokenInCuts += 1;
    else {
      const silentSince = ended - longestGap;
      const after = this.#before(networkInstance, silentSince + SILENCE_BLAME_MS.after, SILENCE_BLAME_MS.before).map(
        ({ at, kind, target }) => `${((ended - at) / 1000).toFixed(1)} s before: ${kind} ${target}`,
      );
      this.broken.push({ networkInstance, began, ended, established, problem, after });
    }
  }

  ping(networkInstance: string, { at }: LostPing): void {
    const isCut = this.#cuts.excusesPing(networkInstance, at);
    const blamed = isCut ? 'cuts' : (this.#before(networkInstance, at, DEATH_BLAME_MS).at(-1)?.kind ?? 'nothing');
    if (!isCut) this.#note(networkInstance, at, blamed);
    this.lostPings.set(blamed, (this.lostPings.get(blamed) ?? 0) + 1);
  }

  #note(networkInstance: string, at: number, blamed: string): void {
    const gap = this.pingGaps.findLast(one => one.networkInstance === networkInstance);
    if (gap && at - gap.until < ONE_GAP_MS) {
      gap.until = at;
      gap.count += 1;
    } else this.pingGaps.push({ networkInstance, from: at, until: at, count: 1, blamed });
  }

  /** An app was offered an address other than its own. */
  lease(networkInstance: string, had: string, offered: string): void {
    this.changedLeases.push(`${networkInstance}: ${had}, now ${offered}`);
  }

  #before(networkInstance: string, at: number, span: number): Blamed[] {
    return this.#deeds.filter(deed => deed.at <= at && deed.at > at - span && deed.affects.includes(networkInstance));
  }
}
