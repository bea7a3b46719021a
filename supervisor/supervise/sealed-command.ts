import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ManagerOptions } from '../../shared/manager/options.ts';
import type { InstanceNamespace } from '../namespaces/namespaces.ts';
import { inPrivateView, VIEW_TABLE, viewTable } from '../namespaces/private-view.ts';

/** Where everybody may write. */
const PUBLIC = ['/tmp', '/var/tmp'];

export interface SealOptions {
  manager: Pick<ManagerOptions, 'runDirectory' | 'logDirectory'>;
  /** The manager's bundle. */
  code: string;
  namespace: InstanceNamespace;
  tunDevice: boolean;
}

/** The command that runs a manager's program sealed: in its namespaces, as its uid, seeing its own files only. Writes its mount table. */
export function sealedCommand(
  { manager, code, namespace, tunDevice }: SealOptions,
  program: readonly string[],
): string[] {
  const directory = dirname(namespace.netPath);
  const logs = dirname(manager.logDirectory);
  const view = {
    directory,
    hidden: [...PUBLIC, ...namespace.hidden, logs].filter(path => existsSync(path)),
    kept: [manager.runDirectory, manager.logDirectory, dirname(code)],
    tunDevice,
  };
  writeFileSync(join(directory, VIEW_TABLE), viewTable(view));
  const { userPath, uid } = namespace;
  return inPrivateView(view, { namespaces: dirname(directory), sealed: userPath !== undefined, uid }, program);
}
