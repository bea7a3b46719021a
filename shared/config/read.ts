import { open } from 'node:fs/promises';
import { buildConfig } from './build/build.ts';
import type { DocumentDraft } from './draft.ts';
import { looksLikeEve } from './eve/detect.ts';
import { readEve } from './eve/read.ts';
import { type FileReader, readNamedFile } from './files.ts';
import { reporter } from './issue.ts';
import type { Issue, ReadResult } from './model.ts';
import { readNative } from './native/read.ts';
import { inDocumentOrder } from './path.ts';
import { parseText } from './text/parse.ts';

const MIB = 1024 * 1024;
/** Five times the biggest document that is known from the field. */
const MAX_SIZE_MIB = 16;

/** Reads a config file; the format is found out from what is in it. A file that can't be read is an issue, not an exception. */
export async function readConfigFile(path: string): Promise<ReadResult> {
  let bytes: Uint8Array;
  try {
    bytes = await readStart(path, MAX_SIZE_MIB * MIB + 1);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : `can't be read (${code ?? message})`;
    return refused(path, reason, 'give the path of a YAML or JSON file that nibox may read');
  }
  if (bytes.length > MAX_SIZE_MIB * MIB) return tooBig(path);
  try {
    return readConfigText(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refused(path, 'is not UTF-8 text', 'save it as YAML or JSON in UTF-8');
  }
}

/**
 * Reads the text of a config. `name` is what issues call it where they have no better path; `readFile` reads the files of keys and
 * certificates that it names.
 */
export function readConfigText(text: string, name = 'config', readFile: FileReader = readNamedFile): ReadResult {
  if (Buffer.byteLength(text) > MAX_SIZE_MIB * MIB) return tooBig(name);
  const issues: Issue[] = [];
  const parsed = parseText(text, name, reporter('document', issues));
  if (!('value' in parsed)) return { issues, format: 'nibox' };
  const root = parsed.value;
  if (root === null || root === undefined) {
    // Taking a truncated file for a wish to have nothing would end everything that runs.
    return refused(name, 'there is nothing in it', 'write at least {} to run no network instances');
  }
  const format = looksLikeEve(root) ? 'eve' : 'nibox';
  const draft: DocumentDraft | undefined =
    format === 'eve' ? readEve(root, issues) : readNative(root, issues, readFile);
  const config = draft && buildConfig(draft, issues);
  const isValid = config !== undefined && !issues.some(issue => issue.scope === 'document');
  return { ...(isValid && { config }), issues: inDocumentOrder(withoutEchoes(issues), root), format };
}

/** Leaves out warnings about what was refused already. */
function withoutEchoes(issues: Issue[]): Issue[] {
  const refusedPaths = new Set(issues.filter(({ scope }) => scope !== 'warning').map(({ path }) => path));
  return issues.filter(({ scope, path }) => scope !== 'warning' || !refusedPaths.has(path));
}

/** At most so many bytes of a file. Also serves pipes, which have no size. */
async function readStart(path: string, limit: number): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= limit) break;
  }
  return Buffer.concat(chunks);
}

function tooBig(name: string): ReadResult {
  return refused(name, `is bigger than ${MAX_SIZE_MIB} MiB`, 'split the device, or generate less');
}

function refused(path: string, reason: string, remedy: string): ReadResult {
  return { issues: [{ path, value: '', reason, remedy, scope: 'document' }], format: 'nibox' };
}
