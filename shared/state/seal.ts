import { fingerprint, loadCrypto } from '../digest.ts';

/** Of the first line. A kind's own version counts its content. */
const MAGIC = 'nibox-state';
/** Former versions vouched by SHA-256. */
const HEADER = /^nibox-state ([a-z-]+) (\d{1,9}) ([0-9a-f]{64}|[0-9a-f]{16})$/;
const MAX_HEADER_BYTES = 160;

/**
 * A state file's content under a line that tells what it is and vouches for it. People can read and compare it.
 *
 *     nibox-state <kind> <version> <fingerprint of kind, version and all that follows this line>
 *     <content>
 */
export function seal(kind: string, version: number, content: string): string {
  return `${MAGIC} ${kind} ${version} ${checksum(kind, version, Buffer.from(content))}\n${content}`;
}

/** The content of a sealed file. Throws an Error that says what is wrong with it. */
export function unseal(kind: string, version: number, file: Buffer): string {
  if (file.length === 0) throw new Error('it is empty');
  const end = file.subarray(0, MAX_HEADER_BYTES).indexOf(0x0a);
  const header = HEADER.exec(file.toString('latin1', 0, Math.max(end, 0)));
  if (!header) throw new Error('its first line is not that of a state file');
  const content = file.subarray(end + 1);
  const told = Number(header[2]);
  const vouch = header[3]!.length === 64 ? formerChecksum : checksum;
  if (header[3] !== vouch(header[1]!, told, content)) throw new Error('its checksum is wrong: it was cut or altered');
  if (header[1] !== kind) throw new Error(`it holds ${header[1]}, not ${kind}`);
  if (told !== version) throw new Error(`it is of version ${told}, this nibox reads version ${version}`);
  return content.toString();
}

function checksum(kind: string, version: number, content: Buffer): string {
  return fingerprint(Buffer.concat([Buffer.from(`${kind} ${version}\n`), content]));
}

function formerChecksum(kind: string, version: number, content: Buffer): string {
  return loadCrypto().createHash('sha256').update(`${kind} ${version}\n`).update(content).digest('hex');
}
