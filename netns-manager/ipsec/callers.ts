import type { LogClue } from './log-clue.ts';

interface Caller {
  address: string;
  asked: string;
  own: string;
}

/** Calls under way that are remembered; a flood of them must not fill our memory. */
const MAX_CALLERS = 64;

/** Who calls a server, by the number of the SA that the call makes, as far as the log has told. */
export class Callers {
  readonly #callers = new Map<string, Caller>();

  note(uniqueId: string, clue: LogClue): void {
    if (clue.kind !== 'caller' && clue.kind !== 'ids') return;
    const known = this.#callers.get(uniqueId) ?? { address: '', asked: '', own: '' };
    this.#callers.delete(uniqueId);
    this.#callers.set(uniqueId, { ...known, ...clue });
    if (this.#callers.size > MAX_CALLERS) this.#callers.delete(this.#callers.keys().next().value!);
  }

  address(uniqueId: string): string {
    return this.#callers.get(uniqueId)?.address ?? '';
  }

  /** The clue with what only earlier lines told: the ids for which no tunnel was found. */
  complete(uniqueId: string, clue: LogClue): LogClue {
    const caller = this.#callers.get(uniqueId);
    if (!caller || clue.kind !== 'fault' || clue.fault.code !== 'no-tunnel') return clue;
    return { kind: 'fault', fault: { code: 'no-tunnel', details: [caller.asked, caller.own] } };
  }
}
