import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatIssue, readConfigFile, readConfigText } from '../shared/config/index.ts';
import type { DeviceConfig, ReadResult } from '../shared/config/model.ts';
import { EXIT_CONFIG } from '../shared/exit-codes.ts';
import { MANAGER_LOG } from '../shared/manager/options.ts';
import { identifySelf } from '../shared/pubsub/index.ts';
import { StateReport } from '../shared/state/state-report.ts';
import type { ApplyResult, DaemonControl, Target } from './api/contract.ts';
import { flowReports } from './api/flow-reports.ts';
import { gidOf } from './api/group.ts';
import { serveApi } from './api/server.ts';
import { problemsOf, untilConverged } from './convergence.ts';
import { configChanges } from './intent/config-changes.ts';
import { openSupervisorLog, SUPERVISOR_LOG } from './log.ts';
import { ownDirectory } from './own-directory.ts';
import { statusReport } from './report.ts';
import { LastGoodConfig } from './state/last-good-config.ts';
import { readIfThere } from './state/read-if-there.ts';
import { Supervisor } from './supervisor.ts';
import { Notifier } from './systemd/notifier.ts';
import { version } from './version.ts';

export interface DaemonOptions {
  prefix: string;
  configFile: string;
  stateDirectory: string;
  runDirectory: string;
  logDirectory: string;
  resolvConf: string;
  /** Whose members may use the API, as root may; absent: root alone. */
  apiGroup?: string;
}

const CONVERGE_MS = 20_000;

/** `nibox run`: works until it is told to stop. Gives the exit code. */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  process.title = 'nibox: supervisor';
  process.umask(0o022);
  ownDirectory(options.runDirectory, 0o755);
  // One that is not there is made with what is kept first: the disk may not take it, which is survived.
  if (existsSync(options.stateDirectory)) ownDirectory(options.stateDirectory, 0o700);
  const apiGid = options.apiGroup === undefined ? undefined : gidOf(options.apiGroup);
  const { log, limit: limitLog } = openSupervisorLog(options.logDirectory);
  const identity = identifySelf('supervisor', version);
  const stateReport = new StateReport(log);
  const supervisor = new Supervisor({ ...options, version, identity, stateReport, log });
  const notifier = new Notifier({ log, isMoving: () => supervisor.isMoving, status: statusLine });
  const lastGood = new LastGoodConfig(options.stateDirectory, stateReport);

  const first = await readConfigFile(options.configFile);
  tell(first);
  const start = first.config ? first : lastGood.read();
  if (!start?.config) {
    const problem = `${options.configFile} can't be used and there is no last good config (${lastGood.path})`;
    log.error({ file: options.configFile }, problem);
    return EXIT_CONFIG;
  }
  if (!first.config) log.warn({}, 'the last good config is used');

  let stopNow: (keep: boolean) => void = () => {};
  const stopping = new Promise<boolean>(resolve => {
    stopNow = resolve;
  });
  let begin = () => {};
  const begun = new Promise<void>(resolve => {
    begin = resolve;
  });
  // Status tells of it from the first answer on.
  supervisor.config = start.config;
  const control: DaemonControl = {
    status: () => statusReport({ ...supervisorState(), prefix: options.prefix, version }),
    flows: name => flowReports(instance(name).flows),
    apply: onceBegun((text, name, { dryRun }) => apply(readConfigText(text, name), text, dryRun)),
    restart: onceBegun(name => supervisor.managers.restart(running(name))),
    startManager: onceBegun(name => supervisor.managers.start(running(name))),
    stopManager: onceBegun(name => supervisor.managers.stop(running(name))),
    upgrade: onceBegun(bundle => supervisor.managers.upgrade(bundle)),
    audit: onceBegun(({ fix }) => supervisor.audit(fix)),
    stop: async keep => stopNow(keep),
    logFile: name =>
      name === null ? join(options.logDirectory, SUPERVISOR_LOG) : join(options.logDirectory, known(name), MANAGER_LOG),
    target,
    hub: supervisor.apiHub,
    identity,
  };
  const api = await serveApi({ path: join(options.runDirectory, 'api.sock'), control, log, gid: apiGid });
  await supervisor.start();
  use(start.config);
  if (first.config) keepGood(first, await textOf(options.configFile));
  begin();
  log.info({ version, config: options.configFile }, 'supervisor started');

  process.on('SIGHUP', () => {
    void readConfigFile(options.configFile).then(async read => {
      tell(read);
      if (read.config) await apply(read, await textOf(options.configFile), false);
    });
  });
  void supervisor.firstPass.then(() => notifier.ready());
  process.once('SIGTERM', () => stopNow(false));
  process.once('SIGINT', () => stopNow(false));
  const keep = await stopping;

  log.info({ keep }, 'stopping');
  await notifier.stopping();
  await api.close();
  if (keep) {
    await supervisor.leave();
    return 0;
  }
  const problems = await supervisor.stop();
  for (const problem of problems) log.error({ problem }, problem);
  return problems.length === 0 ? 0 : 1;

  /** For what changes something: before, the config of the start would undo it, and everything that runs would look like an orphan. */
  function onceBegun<A extends unknown[], R>(act: (...args: A) => R | Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      await begun;
      return act(...args);
    };
  }

  function statusLine(): string {
    const total = supervisor.config.networkInstances.length;
    const problems = problemsOf(supervisor).length;
    return `${total} network instances, ${problems === 0 ? 'all as configured' : `${problems} problems: see \`nibox status\``}`;
  }

  function use(config: DeviceConfig): void {
    const { logSize, logLines } = config.resources;
    limitLog({ maxBytes: logSize * 1024, linesPerSecond: logLines });
    supervisor.use(config);
  }

  function supervisorState() {
    const { config, instances, attacher, switchPorts, errors, warnings, rootErrors, rootFights } = supervisor;
    return {
      config,
      instances,
      attacher,
      switchPorts,
      errors,
      warnings: [
        ...warnings,
        ...supervisor.resources.warnings(),
        ...rootErrors,
        ...rootFights,
        ...stateReport.warnings(),
      ],
    };
  }

  function instance(name: string) {
    const found = supervisor.instances.get(name);
    if (found) return found;
    known(name);
    throw new Error(`network instance ${name} does not run: ${supervisor.errors.get(name) ?? 'see `nibox status`'}`);
  }

  function running(name: string): string {
    instance(name);
    return name;
  }

  function known(name: string): string {
    const names = supervisor.config.networkInstances.map(ni => ni.name);
    if (!names.includes(name)) throw new Error(`there is no network instance ${name}; there are: ${names.join(', ')}`);
    return name;
  }

  function target(name: string): Target {
    const found = supervisor.instances.get(name);
    if (found) {
      const { netPath, userPath, uid } = found.namespace;
      return { netns: netPath, ...(userPath === undefined ? { uid } : { userns: userPath }) };
    }
    const app = supervisor.config.apps.find(candidate => candidate.name === name);
    if (!app) throw new Error(`there is neither a running network instance nor an app ${name}`);
    if (app.attach.kind === 'tap') throw new Error(`${name} is a guest on a TAP: it has no namespace on this device`);
    if (app.attach.kind === 'pid') return { netns: `/proc/${app.attach.pid}/ns/net` };
    if (app.attach.kind === 'netns') return { netns: app.attach.path };
    return { netns: `/run/netns/${options.prefix}-${name}` };
  }

  async function apply(read: ReadResult, text: string, dryRun: boolean): Promise<ApplyResult> {
    const { issues } = read;
    if (!read.config) return { ok: false, issues, plan: [], converged: false, problems: [] };
    const plan = configChanges(supervisor.config, read.config);
    if (dryRun) return { ok: true, issues, plan, converged: false, problems: [] };
    if (plan.length > 0) {
      log.info({ plan }, 'config applied');
      use(read.config);
    }
    const converging = untilConverged(supervisor, CONVERGE_MS);
    // What managers are told goes out first: the disk takes its time.
    await new Promise(resolve => setImmediate(resolve));
    keepGood(read, text);
    const problems = await converging;
    return { ok: true, issues, plan, converged: problems.length === 0, problems };
  }

  function tell({ issues }: ReadResult): void {
    for (const issue of issues) {
      if (issue.scope === 'warning') log.warn({ path: issue.path }, formatIssue(issue));
      else log.error({ path: issue.path }, formatIssue(issue));
    }
  }

  function keepGood(read: ReadResult, text: string): void {
    if (read.config) lastGood.keep(text);
  }

  async function textOf(file: string): Promise<string> {
    return readIfThere(file) ?? '';
  }
}
