import { join } from 'node:path';
import { silentLog } from '../../shared/log/log.ts';
import { StateReport } from '../../shared/state/state-report.ts';
import { Allocator } from '../allocate/allocator.ts';
import { Namespaces, namespaceInode } from '../namespaces/namespaces.ts';
import { LastGoodConfig } from '../state/last-good-config.ts';
import { SwitchPorts } from '../switch-ports/switch-ports.ts';
import { askManager } from './ask-manager.ts';
import { type AuditReport, audit } from './audit.ts';
import { type OwnedProcesses, ownedInstances } from './owned.ts';
import { removeInstance } from './remove-instance.ts';

export interface AuditPaths {
  prefix: string;
  runDirectory: string;
  stateDirectory: string;
}

/** No config, or no numbers, tell what is owned. */
export class NothingToGoByError extends Error {
  readonly exitCode = 2;
  readonly remedy: string;

  constructor(file: string, what = 'config') {
    super(`no daemon answers, and ${file} holds no ${what}: what has an owner can't be told`);
    this.name = 'NothingToGoByError';
    this.remedy = 'start the daemon, or say with --state-dir where it keeps its state';
  }
}

/** An audit by this process alone: what the last good config wants has an owner, and managers that live on are asked themselves. */
export async function auditWithoutDaemon(paths: AuditPaths, fix: boolean): Promise<AuditReport> {
  const { prefix, runDirectory, stateDirectory } = paths;
  const report = new StateReport(silentLog);
  const lastGood = new LastGoodConfig(stateDirectory, report);
  const config = lastGood.read()?.config;
  if (!config) throw new NothingToGoByError(lastGood.path);
  const namespaces = new Namespaces({
    directory: join(runDirectory, 'ns'),
    prefix,
    log: silentLog,
    instanceDirectory: name => join(runDirectory, 'ni', name),
    hidden: [], // no manager is started
  });
  const allocator = new Allocator(join(stateDirectory, 'numbers.json'), report);
  // Without numbers every link would look like nobody's.
  if (!allocator.isKnown) throw new NothingToGoByError(join(stateDirectory, 'numbers.json'), 'numbers');
  const switchPorts = new SwitchPorts({
    prefix,
    log: silentLog,
    stateReport: report,
    directory: join(runDirectory, 'ports'),
    namespacePath: ni => namespaces.netPath(ni),
  });
  const answers = new Map<string, OwnedProcesses | null>();
  await Promise.all(
    config.networkInstances.map(async ({ name }) => {
      const inode = await namespaceInode(namespaces.netPath(name));
      answers.set(name, inode === null ? null : await askManager(join(runDirectory, 'ni', name), name, inode));
    }),
  );
  const owned = {
    prefix,
    runDirectory,
    stateDirectory,
    instances: ownedInstances(config, allocator, name => answers.get(name) ?? null),
    uplinks: new Set(config.uplinks.map(uplink => uplink.interface)),
    apps: new Set(config.apps.map(({ name }) => name)),
    code: new Set<string>(),
    since: 0,
  };
  const removeNamespace = (name: string) => removeInstance(name, { namespaces, switchPorts, runDirectory });
  return audit({ owned, config, namespaces, allocator, switchPorts, removeNamespace }, { by: 'config', fix });
}
