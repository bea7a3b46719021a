import { sha256 } from '../digest.ts';

/** What a file in a store's directory is to its key. */
export type FileRole = 'current' | 'backup' | 'temporary';

const SUFFIXES = { current: '.pb', backup: '.bak', temporary: '.tmp' } as const;
/** With the longest suffix (".corrupt-9999999") it stays within a file name's 255 bytes. */
const MAX_PLAIN_BYTES = 239;

/** No key can be this (it has a slash): the record that holds a topic's restart counter. */
export const RESTART_COUNT_KEY = '/restarted';

/**
 * A key's file name without suffix: the key itself, unless that is too long or begins like a substitute; then "~" and a hash (the
 * record names the key). The last suffix alone tells a file's role, so a key may end in ".bak".
 */
export function baseName(key: string): string {
  if (key === RESTART_COUNT_KEY) return '~restarted';
  if (Buffer.byteLength(key) <= MAX_PLAIN_BYTES && !key.startsWith('~')) return key;
  return `~${sha256(key)}`;
}

export function fileName(base: string, role: FileRole): string {
  return base + SUFFIXES[role];
}

/** What a name found in the directory stands for; null: not one of ours. */
export function parseFileName(name: string): { base: string; role: FileRole } | null {
  for (const role of ['current', 'backup', 'temporary'] as const) {
    const base = name.slice(0, -SUFFIXES[role].length);
    if (base !== '' && name.endsWith(SUFFIXES[role])) return { base, role };
  }
  return null;
}
