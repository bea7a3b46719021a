import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { copyFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../version.ts';
import type { Code } from './manager.ts';

const here = fileURLToPath(import.meta.url);
/** Where the build leaves the manager's bundle, seen from where this code is. */
const BUNDLES = ['../manager.cjs', '../../manager.cjs', '../../../dist/manager.cjs'].map(path => join(here, path));

/**
 * Copies the manager's bundle, or another one, to where every uid can read it, named by its content: old code stays while it runs.
 * Throws when there is none.
 */
export async function installCode(directory: string, bundle?: string): Promise<Code> {
  const candidates = bundle === undefined ? BUNDLES : [bundle];
  for (const source of candidates) {
    const content = await readFile(source).catch(() => null);
    if (!content) continue;
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
    const file = join(directory, `${hash}.cjs`);
    const code = { file, version: `${version}+${hash}` };
    if ((await readFile(file).catch(() => null))?.equals(content)) return code; // also where nothing can be written now
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    await copyFile(source, `${file}.new`);
    await rename(`${file}.new`, file);
    return code;
  }
  const remedy = bundle === undefined ? 'run `npm run build`' : 'name a file that can be read';
  throw new Error(`the manager's bundle is missing (looked at ${candidates.join(', ')}); ${remedy}`);
}

/** The code that a running manager says it was started with; null when that is not there any more. */
export function codeOf(directory: string, said: string): Code | null {
  const hash = /\+([0-9a-f]{16})$/.exec(said)?.[1];
  const file = join(directory, `${hash}.cjs`);
  return hash !== undefined && existsSync(file) ? { file, version: said } : null;
}
