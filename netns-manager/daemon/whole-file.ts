import { readFile, rename, writeFile } from 'node:fs/promises';

/** Writes by rename: nobody ever reads half a file. Only its owner reads it. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.tmp`, content, { mode: 0o600 });
  await rename(`${file}.tmp`, file);
}

/** A file's text; empty when it is missing. */
export async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
