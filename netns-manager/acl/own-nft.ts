import { accessSync, constants, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Nft } from '../../shared/kernel/nft.ts';
import { run } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';

const PROGRAM = 'nft';
/** At most the 15 characters that the kernel keeps. */
const OWN_NAME = 'nibox-nft';

/**
 * nft under a process name of our own, by which `nft monitor` tells our transactions from other people's. Its process ids would not do:
 * they are those of the machine, and other ones than we see where we run in a container.
 */
export class OwnNft {
  readonly name: string;
  readonly nft: Nft;

  /** Makes a link to nft in the directory. Where that fails, nft has its usual name: then other people's use of it is seen at the next re-read. */
  constructor(directory: string, log: Log) {
    let file = PROGRAM;
    try {
      file = link(join(directory, OWN_NAME));
    } catch (error) {
      log.warn(
        { err: error },
        'nft has no name of its own: what others change with nft is put right within a minute, not at once',
      );
    }
    this.name = file === PROGRAM ? PROGRAM : OWN_NAME;
    this.nft = (args, input) => run(file, args, input === undefined ? {} : { input });
  }
}

function link(path: string): string {
  const target = find(PROGRAM);
  if (readIfThere(path) === target) return path;
  rmSync(path, { force: true });
  symlinkSync(target, path);
  return path;
}

function readIfThere(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function find(program: string): string {
  for (const directory of (process.env.PATH ?? '').split(':').filter(Boolean)) {
    const file = join(directory, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {} // the next one
  }
  throw new Error(`${program} is in no directory of PATH (${process.env.PATH})`);
}
