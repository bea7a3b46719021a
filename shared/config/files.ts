import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Reads a text file that a document names: keys and certificates. Gives the text, or throws an error whose message says why not,
 * as the end of a sentence that names the file.
 */
export type FileReader = (path: string) => string;

/** Hundreds of certificates. */
const MAX_BYTES = 256 * 1024;

/** Reads regular files of a sane size; what else a path may lead to could block for ever or have no end. */
export const readNamedFile: FileReader = path => {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error('is not a file');
    if (stat.size > MAX_BYTES) throw new Error(`is bigger than ${MAX_BYTES / 1024} KiB`);
    return readFileSync(fd, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new Error(code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`, { cause: message });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
};
