import { rename, stat } from 'node:fs/promises';
import { predecessor } from '../../shared/log/log-limits.ts';

/** Moves a log file that has grown too long to `<file>.1`. True: its writer has to open it anew, also when somebody took it away. */
export async function rotateLog(file: string, maxBytes: number): Promise<boolean> {
  try {
    if ((await stat(file)).size <= maxBytes) return false;
    await rename(file, predecessor(file));
    return true;
  } catch (error) {
    // Anything else than a missing file, such as a full disk, may be better another time.
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
