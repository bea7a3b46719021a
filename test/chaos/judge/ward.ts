import type { ActionKind, Deed, Field } from '../actions/index.ts';
import { instances, type Ni } from '../device/layout.ts';
import type { Random } from '../random.ts';
import type { Cuts } from './cuts.ts';
import { faultOf } from './observer.ts';

/** Milliseconds after which a repair does not count any more. */
export const LATE_MS = 30_000;

/** One action, as it went. Times are Unix milliseconds. */
export interface ActionRecord {
  at: number;
  kind: string;
  effect: string;
  target: string;
  affects: readonly Ni[];
  detail: string;
  /** Milliseconds from when it was done until healthy; null: never, or there was nothing to do. */
  healthyAfter: number | null;
  /** The same, from the last action that met it. */
  settledAfter: number | null;
  /** There was nothing to do it to. */
  isIdle: boolean;
  /** Another one met what it is about, before it was healthy or when it was done. */
  isOverlapped: boolean;
  /** What was wrong last. */
  seen: string[];
}

interface Patient {
  record: ActionRecord;
  deed: Deed;
  done: number;
  /** When the last action was done that met it, its own included. */
  met: number;
  endCut: (at: number) => void;
}

/** Does actions and watches each until what it is about is healthy again. */
export class Ward {
  readonly #field: Field;
  readonly #cuts: Cuts;
  readonly #patients = new Set<Patient>();
  readonly #acting = new Map<string, number>();
  readonly #records: ActionRecord[];
  #isStopped = false;

  /** Adds to `records` as it acts. */
  constructor(field: Field, cuts: Cuts, records: ActionRecord[]) {
    this.#field = field;
    this.#cuts = cuts;
    this.#records = records;
    void this.#watch();
  }

  /** Whether something is being done to a target, or it is not healthy since. */
  isBusy(target: string): boolean {
    return (this.#acting.get(target) ?? 0) > 0 || [...this.#patients].some(({ record }) => record.target === target);
  }

  isActing(kind: ActionKind): boolean {
    return (this.#acting.get(kind.name) ?? 0) > 0;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** How many actions have not healed. */
  get ill(): number {
    return this.#patients.size;
  }

  /** What is wrong with all that has not healed. */
  complaints(): string[] {
    return [...this.#patients].map(({ record }) => `${record.kind} ${record.target}: ${record.seen.at(-1) ?? ''}`);
  }

  /** Returns when it is done; the watching goes on. */
  async act(kind: ActionKind, target: string, random: Random): Promise<void> {
    const affects = kind.affects(target);
    const at = Date.now();
    const record: ActionRecord = {
      ...{ at, kind: kind.name, effect: kind.effect, target, affects },
      ...{ detail: '', healthyAfter: null, settledAfter: null, isIdle: false, isOverlapped: false, seen: [] },
    };
    this.#meet(record);
    record.isOverlapped = [...this.#patients].some(patient => meets(patient.record, record));
    this.#records.push(record);
    const endCut = kind.effect === 'cut' ? this.#cuts.begin(affects, at) : () => {};
    this.#count(target, 1);
    this.#count(kind.name, 1);
    const deed = await kind.perform(this.#field, target, random).finally(() => {
      this.#count(target, -1);
      this.#count(kind.name, -1);
    });
    if (deed === null) {
      record.isIdle = true;
      endCut(Date.now());
      return;
    }
    record.detail = deed.detail;
    this.#meet(record);
    const done = Date.now();
    this.#patients.add({ record, deed, done, met: done, endCut });
  }

  /** Notes for all who are not healthy that something else was done to them. */
  #meet(by: ActionRecord): void {
    for (const patient of this.#patients) {
      if (!meets(by, patient.record)) continue;
      patient.record.isOverlapped = true;
      patient.met = Date.now();
    }
  }

  #count(key: string, change: number): void {
    this.#acting.set(key, (this.#acting.get(key) ?? 0) + change);
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      await this.#field.observer.next();
      await Promise.all([...this.#patients].map(patient => this.#look(patient)));
    }
  }

  async #look(patient: Patient): Promise<void> {
    const { record, done, met, endCut } = patient;
    const fault = await this.#faultOf(patient);
    const now = Date.now();
    if (fault === null) {
      this.#patients.delete(patient);
      record.healthyAfter = now - done;
      record.settledAfter = now - met;
      endCut(now);
    } else if (record.seen.at(-1) !== fault && record.seen.length < 20) record.seen.push(fault);
  }

  async #faultOf({ record, deed, done }: Patient): Promise<string | null> {
    const { observer, traffic } = this.#field;
    const snapshot = observer.latest;
    if (!snapshot || snapshot.at < done) return 'no status since';
    for (const ni of record.affects) {
      // What is about the whole device does not wait for what is wrong with one NI for another reason.
      if (record.affects.length === instances.length && this.#isIllOtherwise(ni, record)) continue;
      const fault = faultOf(observer.instance(ni));
      if (fault !== null) return `${ni}: ${fault}`;
      if (!traffic.hasPassed(ni, done)) return `${ni}: no ping or no query answered yet`;
    }
    return (await deed.isUndone(snapshot)) ? null : 'what was taken is not back';
  }

  #isIllOtherwise(ni: Ni, own: ActionRecord): boolean {
    return [...this.#patients].some(
      ({ record }) => record !== own && record.affects.includes(ni) && record.affects.length < instances.length,
    );
  }
}

/** What is about the whole device does not wait for single NIs, so they don't meet it. */
function meets(by: ActionRecord, patient: ActionRecord): boolean {
  if (by.target === patient.target) return true;
  if (patient.affects.length === instances.length) return by.affects.length === instances.length;
  return by.affects.some(ni => patient.affects.includes(ni));
}
