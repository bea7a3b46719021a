import type { Issue } from './model.ts';
import { HIDDEN, looksSecret, placeIsSecret } from './secrets.ts';

const SHOWN_CHARACTERS = 80;

/** What a document says, and where it says so. An undefined value: it says nothing there. */
export interface Told<T> {
  path: string;
  value: T;
}

/** Takes what is wrong with a part of the document. `refuse` makes that part unusable, `warn` only tells. */
export interface Reporter {
  refuse(told: Told<unknown>, reason: string, remedy: string): void;
  warn(told: Told<unknown>, reason: string, remedy: string): void;
}

/** A reporter for one part of a document: adds to all issues and, but for warnings, to the part's own. */
export function reporter(scope: Issue['scope'], all: Issue[], own?: Issue[]): Reporter {
  const add = (told: Told<unknown>, reason: string, remedy: string, as: Issue['scope']) => {
    const issue: Issue = { path: told.path, value: shown(told), reason, remedy, scope: as };
    all.push(issue);
    if (as !== 'warning') own?.push(issue);
  };
  return {
    refuse: (told, reason, remedy) => add(told, reason, remedy, scope),
    warn: (told, reason, remedy) => add(told, reason, remedy, 'warning'),
  };
}

/** The same reporter, silent about what is missing: for parts of which something was taken out as unreadable. */
export function ignoringMissing(report: Reporter): Reporter {
  return {
    refuse: (told, reason, remedy) => told.value !== undefined && report.refuse(told, reason, remedy),
    warn: (told, reason, remedy) => told.value !== undefined && report.warn(told, reason, remedy),
  };
}

/** The same place, without showing what stands there. */
export function hidden(told: Told<unknown>): Told<unknown> {
  return { path: told.path, value: told.value === undefined ? undefined : HIDDEN };
}

/** What an issue shows of a value: keys never. */
function shown({ path, value }: Told<unknown>): string {
  if (value === undefined) return '';
  if (value === HIDDEN || placeIsSecret(path)) return HIDDEN;
  const text = showValue(value);
  return looksSecret(text) ? HIDDEN : text;
}

/** One line for people: `apps[0].interfaces[0].mac: "zz": is not a MAC address. Remedy: ...`. */
export function formatIssue(issue: Issue): string {
  const where = [issue.path, issue.value].filter(part => part !== '').map(part => `${part}: `);
  return `${where.join('')}${issue.reason}. Remedy: ${issue.remedy}`;
}

/** A value as JSON, cut at 80 characters; '' for none. Looks at no more of the value than it shows. */
export function showValue(value: unknown): string {
  if (value === undefined) return '';
  let text = '';
  const write = (part: string) => {
    text += part;
    return text.length <= SHOWN_CHARACTERS;
  };
  writeJson(value, write);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS - 1)}…`;
}

/** Writes JSON piece by piece until `write` says that it has enough. */
function writeJson(value: unknown, write: (part: string) => boolean): boolean {
  if (typeof value === 'string') return write(JSON.stringify(value.slice(0, SHOWN_CHARACTERS + 1)));
  if (value === null || typeof value !== 'object') return write(String(value));
  const isList = Array.isArray(value);
  if (!write(isList ? '[' : '{')) return false;
  let first = true;
  for (const key in value) {
    if (!first && !write(',')) return false;
    first = false;
    if (!isList && !write(`${JSON.stringify(key)}:`)) return false;
    if (!writeJson((value as Record<string, unknown>)[key], write)) return false;
  }
  return write(isList ? ']' : '}');
}
