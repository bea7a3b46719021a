import { run } from '../../shared/kernel/run.ts';

/**
 * Removes a directory that may belong to somebody else who is still at it. `rm` walks by descriptors: a link that is put in the
 * place of a directory meanwhile leads it nowhere, as it would a walk by paths. Mounts in it are left alone.
 */
export async function removeTree(directory: string): Promise<void> {
  await run('rm', ['-rf', '--one-file-system', '--', directory]);
}
