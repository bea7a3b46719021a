import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../shared/kernel/run.ts';
import { cacheDirectory, guestImage } from '../../guest/image.ts';
import { closureOf, type InstalledPackage, packageFormat, parsePackages } from './closure.ts';
import { moduleDirectories, rootPackages } from './packages.ts';

/** The guest's first process. */
export const initFile = 'test/vm/root/init';
/** Begins the name of every root file system in the cache. */
export const rootPrefix = 'root-';

export interface RootImage {
  /** Named by all that goes into it: another checkout of this repository may have another one. */
  file: string;
  packages: InstalledPackage[];
  /** Name of the kernel, as its modules have it. */
  kernel: string;
}

/** The root file system that belongs to this checkout and this machine, made or not. */
export async function rootImage(): Promise<RootImage> {
  const packages = closureOf(rootPackages, parsePackages(await run('dpkg-query', ['-W', '-f', packageFormat])));
  const [kernel = ''] = await readdir(guestImage().modules);
  const content = [
    packages,
    kernel,
    process.version,
    rootPackages,
    moduleDirectories,
    await readFile(initFile, 'utf8'),
  ];
  const key = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
  return { file: join(cacheDirectory('vm'), `${rootPrefix}${key}.ext4`), packages, kernel };
}
