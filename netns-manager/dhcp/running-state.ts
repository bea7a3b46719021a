import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { ProcessIdentity } from './process-identity.ts';
import type { RenderedDnsmasq } from './render.ts';

/** What the running process has read, kept on disk so that another manager can take over. */
export interface RunningState extends ProcessIdentity {
  conf: string;
  files: string;
}

/** The state of a process that has read this. */
export function stateOf(identity: ProcessIdentity, rendered: RenderedDnsmasq): RunningState {
  return { ...identity, conf: confHash(rendered), files: filesHash(rendered) };
}

export function confHash(rendered: RenderedDnsmasq): string {
  return hash(rendered.conf);
}

export function filesHash(rendered: RenderedDnsmasq): string {
  return hash(JSON.stringify([...rendered.files]));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Null when there is none, or none of ours: as if nothing ran. */
export async function readState(file: string): Promise<RunningState | null> {
  try {
    return JSON.parse(await readOrEmpty(file)) as RunningState;
  } catch {
    return null;
  }
}

/** Writes by rename: nobody ever reads half a file. */
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
