import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AuditReport } from '../audit/audit.ts';
import { ApiError, type ErrorReport } from './api-error.ts';
import type { ApplyResult, FlowReport, StatusReport, Target, UpgradeReport } from './contract.ts';

/** Milliseconds: what only reads, and what waits for namespaces and processes. */
const readTimeoutMs = 15_000;
const changeTimeoutMs = 180_000;
/** The daemon ends the waiting itself when nothing gets closer to what was applied. */
const applyTimeoutMs = 3_600_000;

/** Nobody answers at the socket. */
export class NotRunningError extends Error {
  readonly code = 'ERR_NOT_RUNNING';
  readonly exitCode = 3;
  readonly remedy: string;

  constructor(path: string, prefix: string, options?: ErrorOptions) {
    super(`nibox is not running: nobody answers at ${path} (prefix ${prefix})`, options);
    this.name = 'NotRunningError';
    const isDefault = prefix === 'nb';
    this.remedy = `start it with \`nibox run --config FILE${isDefault ? '' : ` --prefix ${prefix}`}\`, or say which with --prefix`;
  }
}

export interface ApiClientOptions {
  /** The Unix socket. */
  path: string;
  /** For messages. */
  prefix: string;
}

/** The supervisor's API, from another process. Every method throws NotRunningError or ApiError. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  status(): Promise<StatusReport> {
    return this.#ask('GET', '/v1/status') as Promise<StatusReport>;
  }

  flows(networkInstance: string): Promise<FlowReport[]> {
    return this.#ask('GET', `/v1/flows/${encodeURIComponent(networkInstance)}`) as Promise<FlowReport[]>;
  }

  apply(config: string, name: string, { dryRun }: { dryRun: boolean }): Promise<ApplyResult> {
    const query = new URLSearchParams({ name, ...(dryRun && { 'dry-run': '1' }) });
    return this.#ask('POST', `/v1/apply?${query}`, config, applyTimeoutMs) as Promise<ApplyResult>;
  }

  async restart(networkInstance: string): Promise<void> {
    await this.#ask('POST', `/v1/restart/${encodeURIComponent(networkInstance)}`);
  }

  async startManager(networkInstance: string): Promise<void> {
    await this.#ask('POST', `/v1/start-manager/${encodeURIComponent(networkInstance)}`);
  }

  async stopManager(networkInstance: string): Promise<void> {
    await this.#ask('POST', `/v1/stop-manager/${encodeURIComponent(networkInstance)}`);
  }

  /** With many network instances this takes its time: it waits for each of them. */
  upgrade(bundle?: string): Promise<UpgradeReport> {
    const query = bundle === undefined ? '' : `?${new URLSearchParams({ bundle })}`;
    return this.#ask('POST', `/v1/upgrade${query}`, '', applyTimeoutMs) as Promise<UpgradeReport>;
  }

  audit(fix: boolean): Promise<AuditReport> {
    return this.#ask('POST', `/v1/audit${fix ? '?fix=1' : ''}`) as Promise<AuditReport>;
  }

  /** Asks it to stop and gives its pid; it goes on stopping after that. `keep`: managers and traffic go on. */
  async stop(keep = false): Promise<number> {
    return ((await this.#ask('POST', `/v1/stop${keep ? '?keep=1' : ''}`)) as { pid: number }).pid;
  }

  /** Null: the supervisor's own. */
  async logFile(networkInstance: string | null): Promise<string> {
    const suffix = networkInstance === null ? '' : `/${encodeURIComponent(networkInstance)}`;
    return ((await this.#ask('GET', `/v1/log-file${suffix}`)) as { path: string }).path;
  }

  target(name: string): Promise<Target> {
    return this.#ask('GET', `/v1/target/${encodeURIComponent(name)}`) as Promise<Target>;
  }

  #ask(
    method: 'GET' | 'POST',
    path: string,
    body = '',
    timeoutMs = method === 'GET' ? readTimeoutMs : changeTimeoutMs,
  ): Promise<unknown> {
    const { path: socketPath, prefix } = this.#options;
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath, method, path, agent: false, signal: AbortSignal.timeout(timeoutMs) });
      asked.on('error', (cause: NodeJS.ErrnoException) => reject(explain(cause, socketPath, prefix, timeoutMs)));
      asked.on('response', response => {
        text(response).then(
          answer => {
            if (response.statusCode === 200) resolve(JSON.parse(answer));
            else reject(new ApiError(response.statusCode ?? 500, JSON.parse(answer) as ErrorReport));
          },
          (cause: unknown) => reject(explain(cause as NodeJS.ErrnoException, socketPath, prefix, timeoutMs)),
        );
      });
      asked.end(body);
    });
  }
}

function explain(cause: NodeJS.ErrnoException, path: string, prefix: string, timeoutMs: number): Error {
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') return new NotRunningError(path, prefix, { cause });
  if (cause.code === 'EACCES') {
    const report = { code: 'ERR_ACCESS', message: `${path} may not be opened`, remedy: 'run nibox as root' };
    return new ApiError(403, report, { cause });
  }
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError') {
    const message = `nibox at ${path} did not answer within ${timeoutMs / 1000} s`;
    return new ApiError(504, { code: 'ERR_TIMEOUT', message, remedy: 'look at `nibox logs`' }, { cause });
  }
  const message = `the connection to ${path} broke (${cause.message})`;
  return new ApiError(502, { code: 'ERR_CONNECTION', message, remedy: 'see whether nibox still runs' }, { cause });
}
