import type { VpnTunnel } from '../../shared/proto/messages.ts';
import { faultWords, silenceWords } from './fault-words.ts';
import { FAULT_CODES, type Fault, type LogClue } from './log-clue.ts';

/** The SA that a line of charon's log is about. */
export interface NotedSa {
  uniqueId: string;
  remoteHost: string;
}

/** One repetition is a lost packet; the second is sent after 2.4 s of silence. */
const SILENT_AFTER = 2;

/** What is remembered of one tunnel between two looks at its SAs: its attempts, and what went wrong in them. */
export class TunnelRecord {
  /** Since it was last up. */
  attempts = 0;
  lastError = '';
  /** Unix milliseconds; 0: never. */
  lastErrorTime = 0;
  /** Unix milliseconds since which it is up; 0: it is not. */
  upSince = 0;
  #fault: { attempt: string; rank: number; words: string } | null = null;
  #silence: { sa: string; words: string } | null = null;
  /** The IKE SA that was established last. */
  #established = '';
  #hasBeenDown = false;

  /** The record of a tunnel that was changed: only its last error is left of the old one. */
  static after(old: TunnelRecord | undefined): TunnelRecord {
    const record = new TunnelRecord();
    if (!old) return record;
    if (old.upSince === 0) old.#remember(Date.now());
    record.lastError = old.lastError;
    record.lastErrorTime = old.lastErrorTime;
    return record;
  }

  /** Why the tunnel is not up, in words; empty when that is not known (yet). */
  get error(): string {
    return this.#silence?.words ?? this.#fault?.words ?? '';
  }

  /** Whether the peer leaves the requests of an SA that is still there unanswered. */
  get isSilent(): boolean {
    return this.#silence !== null;
  }

  /** Notes what a line of charon's log said of an SA of this tunnel. True: the status changes by it. */
  note(clue: LogClue, tunnel: VpnTunnel, sa: NotedSa): boolean {
    switch (clue.kind) {
      case 'attempt':
        this.attempts += 1;
        return true;
      case 'established':
        this.#established = sa.uniqueId;
        return false;
      case 'answer':
        if (this.#silence?.sa !== sa.uniqueId) return false;
        this.#silence = null;
        return true;
      case 'silence':
        if (clue.repeated < SILENT_AFTER) return false;
        this.#silence = { sa: sa.uniqueId, words: silenceWords(tunnel, sa.remoteHost) };
        return true;
      case 'fault':
        return this.#noteFault(clue.fault, tunnel, sa);
      case 'caller':
      case 'ids':
        return false;
    }
  }

  /** An IKE SA of it went down, be it that another has come up since. */
  noteDown(): void {
    this.#hasBeenDown = true;
  }

  /** A reason not from charon: the tunnel can't even be tried. */
  fail(words: string): void {
    this.#fault = { attempt: '', rank: FAULT_CODES.length, words };
  }

  /** Its SAs are gone for a reason that is not its own. */
  interrupt(words: string): void {
    this.#silence = null;
    this.#fault = { attempt: '', rank: 0, words };
    this.#hasBeenDown = true;
    this.upSince = 0;
  }

  /** Takes in what a look at the SAs gave. */
  look(isUp: boolean, saIds: ReadonlySet<string>, now: number): void {
    if (this.#silence && !saIds.has(this.#silence.sa)) {
      this.#fault = { attempt: '', rank: 0, words: this.#silence.words };
      this.#silence = null;
    }
    // A peer deletes SAs after re-keying, too: only if the tunnel went down that was a fault.
    if (!isUp || this.#hasBeenDown) this.#remember(now);
    this.#hasBeenDown = false;
    if (!isUp) this.upSince = 0;
    else if (!this.isSilent) {
      if (this.upSince === 0) this.upSince = now;
      this.attempts = 0;
      this.#fault = null;
    }
  }

  #remember(now: number): void {
    if (this.error === '' || this.error === this.lastError) return;
    this.lastError = this.error;
    this.lastErrorTime = now;
  }

  #noteFault(fault: Fault, tunnel: VpnTunnel, sa: NotedSa): boolean {
    const attempt = `${sa.uniqueId}/${this.attempts}`;
    // IKEv1 says the same of both proposals; the second comes when the first is settled.
    const isOfChild = fault.code === 'ike-proposal' && sa.uniqueId === this.#established;
    const exact: Fault = isOfChild ? { ...fault, code: 'esp-proposal' } : fault;
    const rank = FAULT_CODES.indexOf(exact.code);
    // charon tells a cause and its consequences in no certain order.
    if (this.#fault?.attempt === attempt && this.#fault.rank > rank) return false;
    const words = faultWords(exact, tunnel, sa.remoteHost);
    this.#fault = { attempt, rank, words };
    if (words === this.lastError) this.lastErrorTime = Date.now();
    return true;
  }
}
