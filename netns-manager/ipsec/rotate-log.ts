import { renameSync, statSync } from 'node:fs';
import { predecessor } from '../../shared/log/log-limits.ts';

/** Moves a log file that has grown too long to `<file>.1`. True: its writer has to open it anew, also when somebody took it away. */
export function rotateLog(file: string, maxBytes: number): boolean {
  try {
    if (statSync(file).size <= maxBytes) return false;
    renameSync(file, predecessor(file));
    return true;
  } catch (error) {
    // Anything else than a missing file, such as a full disk, may be better another time.
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
