import type { Reporter } from '../issue.ts';
import { kindOfPath } from '../path.ts';
import { didYouMean } from '../suggest.ts';

/** More would hide what matters. */
const MAX_LISTED = 50;

/** Collects fields that EVE's API does not have: a newer controller may send them. One warning for each kind of place. */
export class UnknownFields {
  readonly #kinds = new Map<string, { path: string; value: unknown; known: readonly string[]; count: number }>();

  add(path: string, value: unknown, known: readonly string[]): void {
    const kind = kindOfPath(path);
    const seen = this.#kinds.get(kind);
    if (seen) seen.count++;
    else this.#kinds.set(kind, { path, value, known, count: 1 });
  }

  /** Tells all of them, the first ones by name. */
  warn(report: Reporter): void {
    const kinds = [...this.#kinds.values()];
    for (const { path, value, known, count } of kinds.slice(0, MAX_LISTED)) {
      const often = count > 1 ? ` (${count} times in such places)` : '';
      report.warn(
        { path, value },
        `is not a field that nibox knows here, so it is not used${often}`,
        hintFor(path, known),
      );
    }
    const more = kinds.length - MAX_LISTED;
    if (more <= 0) return;
    const reason = `there are ${more} more kinds of fields that nibox does not know`;
    report.warn({ path: '', value: undefined }, reason, 'compare the document with the EVE API that it was made for');
  }
}

function hintFor(path: string, known: readonly string[]): string {
  const name = /[^.[\]"]+(?="?\]?$)/.exec(path)?.[0] ?? '';
  const near = didYouMean(name, known);
  if (near) return `did you mean ${near}? If not, remove it`;
  const some = known.slice(0, 8).join(', ');
  return `check its spelling, or remove it; known here are ${some}${known.length > 8 ? ', …' : ''}`;
}
