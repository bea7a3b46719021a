import { resolve } from 'node:path';
import { type CommonOptions, runDirectoryOf } from './options.ts';

export interface RunOptions extends CommonOptions {
  config: string;
  stateDir?: string;
  logDir?: string;
  resolvConf: string;
  apiGroup?: string;
}

/** `nibox run`: gives the daemon's exit code. */
export async function run(options: RunOptions): Promise<number> {
  const { prefix, config, stateDir, logDir, resolvConf, apiGroup } = options;
  const { runDaemon } = await import('../daemon.ts');
  return runDaemon({
    prefix,
    configFile: resolve(config),
    stateDirectory: resolve(stateDir ?? `/var/lib/nibox/${prefix}`),
    runDirectory: resolve(runDirectoryOf(options)),
    logDirectory: resolve(logDir ?? `/var/log/nibox/${prefix}`),
    resolvConf: resolve(resolvConf),
    ...(apiGroup !== undefined && { apiGroup }),
  });
}
