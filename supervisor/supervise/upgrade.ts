import { setTimeout as sleep } from 'node:timers/promises';
import type { SupervisionLimits } from '../../shared/config/supervision.ts';
import type { Log } from '../../shared/log/log.ts';
import type { Code, Manager } from './manager.ts';

/** A network instance as far as an upgrade is concerned. */
export interface Upgradable {
  name: string;
  manager: Manager;
  /** Its manager has put its config in place. */
  readonly converged: boolean;
  /** False when it is not in service in the time, or has died meanwhile. */
  untilInService(timeoutMs: number, options: { converged: boolean }): Promise<boolean>;
}

export interface UpgradeReport {
  /** Of the new code. */
  version: string;
  replaced: string[];
  /** The one that did not come into service with the new code; it runs with the old one again. */
  failed: { name: string; reason: string } | null;
  /** Not tried any more: they run with the old code. */
  left: string[];
}

/**
 * Replaces managers by such with other code, one after the other: each must be in service, with everything in place that was so
 * before, and a pause goes by before the next. The first that is not gets its old code back, and ends the upgrade.
 */
export async function upgradeManagers(
  instances: readonly Upgradable[],
  code: Code,
  options: { limits: () => SupervisionLimits; log: Log },
): Promise<UpgradeReport> {
  const { limits, log } = options;
  const old = instances.filter(({ manager }) => manager.code.file !== code.file);
  const report: UpgradeReport = {
    version: code.version,
    replaced: [],
    failed: null,
    left: old.map(({ name }) => name),
  };
  for (const [index, instance] of old.entries()) {
    const { name, manager } = instance;
    report.left.shift();
    if (manager.state === 'stopped') {
      manager.code = code;
      report.replaced.push(name);
      continue;
    }
    const before = manager.code;
    const converged = instance.converged;
    log.info({ ni: name, version: code.version }, `manager of ${name} is replaced`);
    await manager.restart('upgrade', code);
    if (await instance.untilInService(limits().readyDeadline * 1000, { converged })) {
      report.replaced.push(name);
      if (index < old.length - 1) await sleep(limits().upgradePause * 1000);
      continue;
    }
    const reason = reasonOf(manager, limits().readyDeadline);
    log.error(
      { ni: name, version: code.version, reason },
      `the upgrade stops: ${name} ${reason}; it gets its old code back`,
    );
    await manager.restart('upgrade', before);
    const isBack = await instance.untilInService(limits().readyDeadline * 1000, { converged });
    report.failed = { name, reason: isBack ? reason : `${reason}; with the old code it is not in service yet either` };
    break;
  }
  return report;
}

function reasonOf(manager: Manager, deadline: number): string {
  const death = manager.deaths.kept.at(-1);
  if (manager.state !== 'running' && death && death.cause !== 'upgrade') return `${death.detail} with the new code`;
  return `had not put its config in place ${deadline} s after it was replaced`;
}
