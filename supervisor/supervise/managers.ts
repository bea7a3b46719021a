import { join } from 'node:path';
import type { SupervisionLimits } from '../../shared/config/supervision.ts';
import type { Log } from '../../shared/log/log.ts';
import type { Instance } from '../instances/instance.ts';
import type { Code } from './manager.ts';
import { installCode } from './manager-code.ts';
import { StoppedByOperator } from './stopped-by-operator.ts';
import { type UpgradeReport, upgradeManagers } from './upgrade.ts';

export interface ManagersOptions {
  instances: ReadonlyMap<string, Instance>;
  limits: () => SupervisionLimits;
  runDirectory: string;
  log: Log;
}

const byNumber = new Intl.Collator('en', { numeric: true });

/** What an operator does with managers: stops, starts, restarts and upgrades them. */
export class Managers {
  readonly #options: ManagersOptions;
  readonly #codeDirectory: string;
  readonly #stopped: StoppedByOperator;
  #upgrading = false;
  /** What a manager is started with. */
  code: Code = { file: '', version: '' };

  constructor(options: ManagersOptions) {
    this.#options = options;
    this.#codeDirectory = join(options.runDirectory, 'code');
    this.#stopped = new StoppedByOperator(join(options.runDirectory, 'stopped'));
  }

  /** Puts this version's bundle where managers can read it. Throws when there is none. */
  async installCode(): Promise<void> {
    this.code = await installCode(this.#codeDirectory);
  }

  isStopped(name: string): boolean {
    return this.#stopped.has(name);
  }

  /** The network instance is gone. */
  forget(name: string): void {
    this.#stopped.delete(name);
  }

  /** Ends an NI's manager until start() or restart(), whatever happens to this process; the NI's traffic goes on. */
  async stop(name: string): Promise<void> {
    const { manager } = this.#running(name);
    this.#stopped.add(name);
    await manager.stop(false);
  }

  /** Starts an NI's manager again; resolves when it is in service. Throws when it does not get there in time. */
  async start(name: string): Promise<void> {
    const instance = this.#running(name);
    this.#stopped.delete(name);
    instance.manager.start();
    await this.#untilInService(instance);
  }

  /** Restarts an NI's manager; resolves when the new one is in service. Throws when it does not get there in time. */
  async restart(name: string): Promise<void> {
    const instance = this.#running(name);
    this.#stopped.delete(name);
    await instance.manager.restart();
    await this.#untilInService(instance);
  }

  /**
   * Replaces managers whose code is not the installed one (or this bundle), one by one. Throws when there is no such bundle, or
   * while another upgrade goes on.
   */
  async upgrade(bundle?: string): Promise<UpgradeReport> {
    if (this.#upgrading) throw new Error('an upgrade is going on: see `nibox logs`');
    this.#upgrading = true;
    try {
      const code = await installCode(this.#codeDirectory, bundle);
      const inOrder = [...this.#options.instances.values()].sort((a, b) => byNumber.compare(a.name, b.name));
      const report = await upgradeManagers(inOrder, code, this.#options);
      if (report.failed === null) this.code = code;
      return report;
    } finally {
      this.#upgrading = false;
    }
  }

  /** Begins to replace those that were taken over from a supervisor of another version. */
  replaceOld(): void {
    const { instances, log } = this.#options;
    const old = [...instances.values()].filter(({ manager }) => manager.code.file !== this.code.file);
    if (old.length === 0) return;
    log.info({ count: old.length }, 'managers of another version are replaced one by one');
    this.upgrade().catch((error: unknown) => log.error({ err: error }, 'the upgrade failed'));
  }

  #running(name: string): Instance {
    const instance = this.#options.instances.get(name);
    if (instance) return instance;
    throw new Error(`network instance ${name} does not run: see \`nibox status\``);
  }

  async #untilInService(instance: Instance): Promise<void> {
    const { readyDeadline } = this.#options.limits();
    if (await instance.untilInService(readyDeadline * 1000, { converged: false })) return;
    const { name } = instance;
    throw new Error(
      `the manager of ${name} is not in service: see \`nibox status ${name}\` and \`nibox logs ${name}\``,
    );
  }
}
