import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What `.ci/setup-guest` has put into the cache. */
export interface GuestImage {
  /** Debian's cloud kernel. */
  kernel: string;
  /** The guest of check C29. */
  initramfs: string;
  /** Goes on with a root file system on the first disk. */
  switchInitramfs: string;
  /** Directory with one of the kernel's name. */
  modules: string;
}

/** Where things are kept that take long to make. */
export function cacheDirectory(name: 'guest' | 'vm'): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'nibox', name);
}

/** The guest's files; throws when they have not been made. */
export function guestImage(): GuestImage {
  const directory = cacheDirectory('guest');
  const image = {
    kernel: join(directory, 'vmlinuz'),
    initramfs: join(directory, 'initramfs'),
    switchInitramfs: join(directory, 'initramfs-switch'),
    modules: join(directory, 'modules'),
  };
  for (const file of Object.values(image)) {
    if (!existsSync(file)) throw new Error(`${file} is missing: make it with \`npm run setup:slow\``);
  }
  return image;
}
