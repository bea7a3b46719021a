import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Writes by rename: nobody ever reads half a file. Only its owner reads it. */
export function writeWhole(file: string, content: string): void {
  writeFileSync(`${file}.tmp`, content, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** A file's text; empty when it is missing. */
export function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
