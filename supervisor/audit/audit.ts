import { join } from 'node:path';
import type { DeviceConfig } from '../../shared/config/model.ts';
import { run } from '../../shared/kernel/run.ts';
import { silentLog } from '../../shared/log/log.ts';
import { StateReport } from '../../shared/state/state-report.ts';
import type { Allocator } from '../allocate/allocator.ts';
import { inParallel } from '../in-parallel.ts';
import { type Namespaces, namespaceInode } from '../namespaces/namespaces.ts';
import { readActual } from '../routing/actual.ts';
import { othersAreHere } from '../routing/rules.ts';
import { RootStateFile } from '../routing/state.ts';
import { TableNumbers } from '../routing/tables.ts';
import type { SwitchPorts } from '../switch-ports/switch-ports.ts';
import { findCode, findFiles } from './files.ts';
import { type Finding, type FindingReport, reportOf } from './finding.ts';
import { findDeviceLinks, findInstanceLinks, placeOf, readLinksOf } from './links.ts';
import { findMounts } from './mounts.ts';
import { findNamespaces } from './namespaces.ts';
import { findTables } from './nft.ts';
import type { Owned } from './owned.ts';
import { findPolicy } from './policy.ts';
import { readProcesses } from './process-table.ts';
import { findProcesses } from './processes.ts';
import { findState, numberKeys } from './state.ts';

/** Namespaces looked into at once: each look is a process. */
const PARALLEL = 4;
const NO_STATE = { sysctls: {}, uplinks: {} };

export interface AuditSources {
  owned: Owned;
  config: DeviceConfig;
  namespaces: Namespaces;
  allocator: Allocator;
  switchPorts: SwitchPorts;
  /** Removes an instance that is no more, with its uplinks given back first. */
  removeNamespace(name: string): Promise<void>;
}

/** What an audit found and did. */
export interface AuditReport {
  /** Who said what is owned: the daemon, or the last good config because none runs. */
  by: 'daemon' | 'config';
  /** Still there. */
  findings: FindingReport[];
  removed: FindingReport[];
  /** Why something could not be removed. */
  problems: string[];
}

/**
 * Finds what carries the prefix and has no owner: in the order in which it may be removed, processes first, so that none of them makes
 * anew what goes after it. Throws when it can't look.
 */
export async function findUnowned(sources: AuditSources): Promise<Finding[]> {
  const { owned, config, namespaces, allocator, switchPorts } = sources;
  const listed = await namespaces.list();
  const unowned = listed.filter(name => !owned.instances.has(name));
  const inodes = new Map<string, number>();
  for (const name of listed) {
    const inode = await namespaceInode(namespaces.netPath(name));
    if (inode !== null) inodes.set(name, inode);
  }
  const processes = readProcesses();
  const state = new RootStateFile(join(owned.runDirectory, 'root.json'), new StateReport(silentLog)).load() ?? NO_STATE;
  const tables = new TableNumbers(owned.prefix, { ...state.uplinks });
  const actual = await readActual(run);
  const facts = {
    held: new Map(switchPorts.records().map(record => [record.interface, record])),
    othersAreHere: othersAreHere(actual.rules, tables),
  };
  const device = { name: 'the device', execute: run };
  const links = findDeviceLinks(await readLinksOf(device), owned, facts, device);
  await inParallel([...owned.instances.values()], PARALLEL, async instance => {
    if (!inodes.has(instance.name)) return;
    const place = placeOf(instance.name, namespaces.netPath(instance.name));
    links.push(...findInstanceLinks(await readLinksOf(place), instance, owned, facts, place));
  });
  return [
    ...findProcesses(owned, inodes, processes),
    ...links,
    ...findPolicy(owned, actual, tables, run),
    ...(await findTables(owned.prefix, state, run)),
    ...(await findNamespaces(owned, { listed, remove: sources.removeNamespace })),
    ...findMounts(owned, unowned),
    ...(await findFiles(owned, unowned)),
    ...findCode(owned, inodes, processes),
    ...findState(owned, numberKeys(config), allocator, switchPorts, unowned),
  ];
}

/** Looks, with `fix` removes what it found and looks again. `onRemoved` is told of each. */
export async function audit(
  sources: AuditSources,
  { by, fix, onRemoved }: { by: AuditReport['by']; fix: boolean; onRemoved?: (finding: FindingReport) => void },
): Promise<AuditReport> {
  const found = await findUnowned(sources);
  if (!fix || found.length === 0) return { by, findings: found.map(reportOf), removed: [], problems: [] };
  const failures = new Map<string, string>();
  const removed: FindingReport[] = [];
  for (const finding of found) {
    try {
      await finding.remove();
      removed.push(reportOf(finding));
      onRemoved?.(reportOf(finding));
    } catch (error) {
      failures.set(keyOf(finding), `${finding.kind} ${finding.name}: ${(error as Error).message}`);
    }
  }
  // What went with something else makes no trouble any more.
  const findings = (await findUnowned(sources)).map(reportOf);
  const left = new Set(findings.map(keyOf));
  const problems = [...failures].filter(([key]) => left.has(key)).map(([, problem]) => problem);
  return { by, findings, removed, problems };
}

const keyOf = ({ kind, name }: FindingReport) => `${kind} ${name}`;
