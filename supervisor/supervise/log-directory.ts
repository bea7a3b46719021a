import {
  chownSync,
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

// The directory belongs to a manager that may have been taken over: links in it must not lead root to files outside.
const CAREFULLY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Makes a manager's log directory and gives it, with what lies in it from a time when the manager had another uid. */
export function giveLogDirectory(directory: string, uid: number): void {
  mkdirSync(dirname(directory), { recursive: true, mode: 0o755 });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (statSync(directory).uid === uid) return;
  // While it is ours nobody adds anything.
  chownSync(directory, 0, 0);
  for (const name of readdirSync(directory)) {
    const fd = openPlain(join(directory, name), constants.O_RDONLY, uid);
    if (fd !== null) closeSync(fd);
  }
  chownSync(directory, uid, uid);
}

/** Opens a log file in there for the manager's output, to append. Anything but a plain file of one name is replaced. */
export function openManagerLog(file: string, uid: number): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  const fd = openPlain(file, flags, uid);
  if (fd !== null) return fd;
  rmSync(file, { recursive: true, force: true });
  const made = openSync(file, flags | constants.O_EXCL | CAREFULLY, 0o600);
  fchownSync(made, uid, uid);
  return made;
}

/** Opens a plain file of one name and makes it the uid's; null: it is something else. */
function openPlain(file: string, flags: number, uid: number): number | null {
  let fd: number;
  try {
    fd = openSync(file, flags | CAREFULLY, 0o600);
  } catch {
    return null;
  }
  const found = fstatSync(fd);
  if (found.isFile() && found.nlink === 1) {
    fchownSync(fd, uid, uid);
    return fd;
  }
  closeSync(fd);
  return null;
}
