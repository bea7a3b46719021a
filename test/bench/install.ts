import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
/** Outside the project: peers are no dependencies of it. Where every uid can read: managers run as theirs. */
const CACHE = '/var/cache/nibox-bench';

/** Installs Debian packages that are missing. Needs root. */
export async function installDebian(...packages: readonly string[]): Promise<void> {
  await exec('bash', ['.ci/install', ...packages]);
}

/** Installs one npm package (`node@24.11.1`: name and exact version) outside the project; gives its directory. */
export async function installNpm(specifier: string): Promise<string> {
  const name = specifier.slice(0, specifier.lastIndexOf('@'));
  const home = join(CACHE, specifier.replaceAll('/', '+'));
  const directory = join(home, 'node_modules', name);
  const isThere = await access(join(home, 'complete')).then(
    () => true,
    () => false,
  );
  if (isThere) return directory;
  await mkdir(home, { recursive: true });
  await exec('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', home, specifier]);
  await mkdir(join(home, 'complete'));
  return directory;
}
