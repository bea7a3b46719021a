import { randomBytes } from 'node:crypto';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';

const BYTES = 32;
const VERSION = 1;

/** A random key of this device, made when there is none in the file or what is there is no key. */
export function keptKey(file: string, report: StateReport): Buffer {
  const whenLost = 'another key is made: managers look at their tunnels once more, which changes nothing for them';
  const kept = new StateFile({ file, kind: 'key', version: VERSION, report, whenLost });
  const known = kept.read(parseKey);
  if (known) return known;
  const made = randomBytes(BYTES);
  kept.write(made.toString('hex'));
  return made;
}

function parseKey(text: string): Buffer {
  if (!/^[0-9a-f]*$/.test(text) || text.length !== 2 * BYTES) throw new Error(`it is no key of ${BYTES} bytes`);
  return Buffer.from(text, 'hex');
}
