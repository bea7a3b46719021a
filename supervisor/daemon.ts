import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatIssue, readConfigFile, readConfigText } from '../shared/config/index.ts';
import type { ReadResult } from '../shared/config/model.ts';
import { MANAGER_LOG } from '../shared/manager/options.ts';
import { identifySelf } from '../shared/pubsub/index.ts';
import type { ApplyResult, DaemonControl, Target } from './api/contract.ts';
import { serveApi } from './api/server.ts';
import { openSupervisorLog, SUPERVISOR_LOG } from './log.ts';
import { flowReports, statusReport } from './report.ts';
import { readIfThere, writeAtomic } from './state/json-file.ts';
import { Supervisor } from './supervisor.ts';
import { version } from './version.ts';

export interface DaemonOptions {
  prefix: string;
  configFile: string;
  stateDirectory: string;
  runDirectory: string;
  logDirectory: string;
  resolvConf: string;
}

const CONVERGE_MS = 20_000;
const LAST_GOOD = 'config.last-good';

/** `nibox run`: works until it is told to stop. Gives the exit code. */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  process.title = 'nibox: supervisor';
  process.umask(0o022);
  mkdirSync(options.runDirectory, { recursive: true, mode: 0o755 });
  mkdirSync(options.stateDirectory, { recursive: true, mode: 0o700 });
  const log = openSupervisorLog(options.logDirectory);
  const identity = identifySelf('supervisor', version);
  const supervisor = new Supervisor({ ...options, version, identity, log });
  const lastGood = join(options.stateDirectory, LAST_GOOD);

  const first = await readConfigFile(options.configFile);
  tell(first);
  const start = first.config ? first : readLastGood();
  if (!start?.config) {
    log.error({ file: options.configFile }, `${options.configFile} can't be used and there is no last good config`);
    return 1;
  }
  if (!first.config) log.warn({}, 'the last good config is used');

  let stopNow = () => {};
  const stopping = new Promise<void>(resolve => {
    stopNow = resolve;
  });
  const control: DaemonControl = {
    status: () => statusReport({ ...supervisorState(), prefix: options.prefix, version }),
    flows: name => flowReports(instance(name)),
    apply: (text, name, { dryRun }) => apply(readConfigText(text, name), text, dryRun),
    restart: name => instance(name).manager.restart(),
    stop: async () => stopNow(),
    logFile: name =>
      name === null ? join(options.logDirectory, SUPERVISOR_LOG) : join(options.logDirectory, known(name), MANAGER_LOG),
    target,
    hub: supervisor.apiHub,
    identity,
  };
  const api = await serveApi({ path: join(options.runDirectory, 'api.sock'), control, log });
  await supervisor.start();
  supervisor.use(start.config);
  if (first.config) keep(first, await textOf(options.configFile));
  log.info({ version, config: options.configFile }, 'supervisor started');

  process.on('SIGHUP', () => {
    void readConfigFile(options.configFile).then(async read => {
      tell(read);
      if (read.config) await apply(read, await textOf(options.configFile), false);
    });
  });
  process.once('SIGTERM', () => stopNow());
  process.once('SIGINT', () => stopNow());
  await stopping;

  log.info({}, 'stopping');
  await api.close();
  const problems = await supervisor.stop();
  for (const problem of problems) log.error({ problem }, problem);
  return problems.length === 0 ? 0 : 1;

  function supervisorState() {
    const { config, instances, attacher, errors, warnings } = supervisor;
    return { config, instances, attacher, errors, warnings };
  }

  function instance(name: string) {
    const found = supervisor.instances.get(name);
    if (found) return found;
    known(name);
    throw new Error(`network instance ${name} does not run: ${supervisor.errors.get(name) ?? 'see `nibox status`'}`);
  }

  function known(name: string): string {
    const names = supervisor.config.networkInstances.map(ni => ni.name);
    if (!names.includes(name)) throw new Error(`there is no network instance ${name}; there are: ${names.join(', ')}`);
    return name;
  }

  function target(name: string): Target {
    const found = supervisor.instances.get(name);
    if (found) {
      const { netPath, userPath } = found.namespace;
      return { netns: netPath, ...(userPath !== undefined && { userns: userPath }) };
    }
    const app = supervisor.config.apps.find(candidate => candidate.name === name);
    if (!app) throw new Error(`there is neither a running network instance nor an app ${name}`);
    if (app.attach.kind === 'pid') return { netns: `/proc/${app.attach.pid}/ns/net` };
    if (app.attach.kind === 'netns') return { netns: app.attach.path };
    return { netns: `/run/netns/${options.prefix}-${name}` };
  }

  async function apply(read: ReadResult, text: string, dryRun: boolean): Promise<ApplyResult> {
    const { issues } = read;
    if (!read.config) return { ok: false, issues, plan: [], converged: false, problems: [] };
    const plan = supervisor.plan(read.config);
    if (dryRun) return { ok: true, issues, plan, converged: false, problems: [] };
    if (plan.length > 0) {
      log.info({ plan }, 'config applied');
      supervisor.use(read.config);
    }
    keep(read, text);
    const problems = await supervisor.untilConverged(CONVERGE_MS);
    return { ok: true, issues, plan, converged: problems.length === 0, problems };
  }

  function tell({ issues }: ReadResult): void {
    for (const issue of issues) {
      if (issue.scope === 'warning') log.warn({ path: issue.path }, formatIssue(issue));
      else log.error({ path: issue.path }, formatIssue(issue));
    }
  }

  function keep(read: ReadResult, text: string): void {
    if (read.config && readIfThere(lastGood) !== text) writeAtomic(lastGood, text);
  }

  function readLastGood(): ReadResult | null {
    const text = readIfThere(lastGood);
    return text === undefined ? null : readConfigText(text, lastGood);
  }

  async function textOf(file: string): Promise<string> {
    return readIfThere(file) ?? '';
  }
}
