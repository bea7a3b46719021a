import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** So many bad files are kept for a look at them, in one directory; older ones go. */
export const MAX_KEPT_ASIDE = 16;
const ASIDE = /^(.+)\.corrupt-(\d{1,7})$/s;

/** Renames a bad file to `<base>.corrupt-<n>`; of those the oldest are removed. Gives the new name, null when that failed. */
export function keepAside(directory: string, base: string, name: string): string | null {
  try {
    const kept = readdirSync(directory)
      .map(file => ({ file, number: asideNumber(file) }))
      .filter((entry): entry is { file: string; number: number } => entry.number !== null)
      .sort((a, b) => a.number - b.number);
    const aside = asideName(base, (kept.at(-1)?.number ?? 0) + 1);
    renameSync(join(directory, name), join(directory, aside));
    for (const { file } of kept.slice(0, Math.max(0, kept.length + 1 - MAX_KEPT_ASIDE))) {
      rmSync(join(directory, file), { force: true, recursive: true });
    }
    return aside;
  } catch {
    return null; // it is reported as bad in any case, and is overwritten by what is written next
  }
}

function asideName(base: string, number: number): string {
  return `${base}.corrupt-${number}`;
}

/** The number of a file that was kept aside; null: it is none. */
function asideNumber(name: string): number | null {
  const match = ASIDE.exec(name);
  return match ? Number(match[2]) : null;
}
