import type { AceDraft } from '../draft.ts';

/**
 * Drafts of ACEs that were read without a flaw, by where and how they are written: of a long ACL, which is read again because of one ACE, the
 * others are known. Some 1 KB each.
 */
const known = new Map<string, AceDraft>();
/** Then it begins anew. */
const MOST_KNOWN = 4096;

/** What an ACE is known by; undefined: it is not one of the simple kind that can be known again. */
export function keyOfAce(element: unknown, path: string): string | undefined {
  if (typeof element !== 'object' || element === null || Array.isArray(element)) return undefined;
  for (const value of Object.values(element)) {
    // Other values than these have no text of their own in JSON.
    const isSimple = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
    if (!isSimple) return undefined;
  }
  return path + JSON.stringify(element);
}

export function knownAce(key: string | undefined): AceDraft | undefined {
  return key === undefined ? undefined : known.get(key);
}

export function rememberAce(key: string, draft: AceDraft): void {
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, draft);
}
