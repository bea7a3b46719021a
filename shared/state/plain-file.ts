import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** No state is near that; what is bigger was put there by somebody else. */
const MAX_BYTES = 64 * 1024 * 1024;
// A FIFO would hold the reader up for ever, and a link may lead anywhere.
const CAREFULLY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Writes a file so that a crash or a full disk leaves the old or the new content, never a part. Mode 0600. Throws what the disk says. */
export function writeAtomic(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true, recursive: true });
  try {
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | CAREFULLY, 0o600);
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true }); // half of it would only take room
    throw error;
  }
  syncDirectory(dirname(file));
}

/** What is in a plain file of our own; null when there is none. Throws an Error that says why it is not one of ours. */
export function readOwnFile(file: string): Buffer | null {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | CAREFULLY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw code === 'ELOOP' ? new Error('it is a symbolic link') : error;
  }
  try {
    const stats = fstatSync(fd);
    const { uid, size } = stats;
    if (!stats.isFile()) throw new Error('it is no plain file');
    const own = process.geteuid?.() ?? uid;
    if (uid !== own) throw new Error(`it belongs to uid ${uid}, not to ${own}`);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, more than any state has`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
