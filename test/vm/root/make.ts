import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../../shared/kernel/run.ts';
import { guestImage } from '../../guest/image.ts';
import { initFile, rootImage, rootPrefix } from './image.ts';
import { leftOut, moduleDirectories } from './packages.ts';

/**
 * Makes the root file system of the stock-kernel tier, unless the cache has it: the files of Debian packages that are installed here,
 * this Node, the cloud kernel's modules, and test/vm/root/init. An ext4 image made from a directory: nothing is mounted.
 */

/** Room for what the guest writes, MiB. */
const spareMiB = 128;
const minuteMs = 60_000;
/** An image that nobody has used for so long is removed when another one is made. */
const keptMs = 3 * 24 * 60 * minuteMs;

const { file, packages, kernel } = await rootImage();
const { modules } = guestImage();
await mkdir(dirname(file), { recursive: true });
if (existsSync(file)) await utimes(file, new Date(), new Date());
else {
  process.stdout.write(`making a root file system of ${packages.length} packages for Linux ${kernel}\n`);
  await removeUnused(dirname(file));
  const root = await mkdtemp(join(tmpdir(), 'nibox-root-'));
  try {
    await fill(root);
    await makeImage(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function removeUnused(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!name.startsWith(rootPrefix) || Date.now() - (await stat(path)).mtimeMs < keptMs) continue;
    await rm(path);
  }
}

async function fill(root: string): Promise<void> {
  const empty = [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'etc',
    'proc',
    'sys',
    'dev',
    'run',
    'tmp',
    'var',
    'root',
    'payload',
  ];
  for (const name of empty) await mkdir(join(root, name), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name));
  const listed = (await run('dpkg-query', ['-L', ...packages.map(({ name }) => name)])).split('\n');
  const wanted = await Promise.all(
    [...new Set(listed)]
      .filter(path => path.startsWith('/') && !leftOut.test(path))
      .map(async path => ((await lstat(path).catch(() => null))?.isDirectory() === false ? [path.slice(1)] : [])),
  );
  const list = join(root, 'files');
  await writeFile(list, wanted.flat().join('\n'));
  const copy = `tar -C / --no-recursion -T ${list} -cf - | tar -C ${root} -xf -`;
  await run('bash', ['-o', 'pipefail', '-c', copy], { timeoutMs: minuteMs });
  await rm(list);
  await cp(process.execPath, join(root, 'usr/bin/node'));
  for (const part of moduleDirectories) {
    const source = join(modules, kernel, 'kernel', part);
    await cp(source, join(root, 'lib/modules', kernel, 'kernel', part), { recursive: true });
  }
  for (const name of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order']) {
    await cp(join(modules, kernel, name), join(root, 'lib/modules', kernel, name));
  }
  await run('depmod', ['-b', root, kernel]);
  await run('ldconfig', ['-r', root]);
  for (const name of ['passwd', 'group', 'protocols', 'services', 'nsswitch.conf']) {
    await cp(join('/etc', name), join(root, 'etc', name)).catch(() => {}); // of packages that are not everywhere
  }
  await cp(initFile, join(root, 'init'));
  await chmod(join(root, 'init'), 0o755);
  await chmod(root, 0o755);
}

async function makeImage(root: string): Promise<void> {
  const used = Number((await run('du', ['-sm', root])).split('\t')[0]);
  await writeFile(`${file}.new`, '');
  await truncate(`${file}.new`, Math.ceil(used * 1.15 + spareMiB) * 1024 * 1024);
  await run('mkfs.ext4', ['-q', '-O', '^has_journal', '-d', root, `${file}.new`], { timeoutMs: minuteMs });
  await rename(`${file}.new`, file);
}
