import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ApiClient } from '../api/client.ts';

/** What every verb takes. */
export interface CommonOptions {
  prefix: string;
  runDir?: string;
}

export function prefixOption(): Option {
  return new Option('--prefix <prefix>', 'goes in front of the name of everything nibox makes')
    .env('NIBOX_PREFIX')
    .default('nb')
    .argParser(parsePrefix);
}

export function runDirOption(): Option {
  return new Option('--run-dir <dir>', "nibox's run directory, with its socket (default: /run/nibox/<prefix>)");
}

/** Adds a verb with the options that every verb takes. */
export function addVerb(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).addOption(prefixOption()).addOption(runDirOption());
}

export const runDirectoryOf = ({ prefix, runDir }: CommonOptions): string => runDir ?? `/run/nibox/${prefix}`;

export const socketOf = (options: CommonOptions): string => join(runDirectoryOf(options), 'api.sock');

export function clientOf(options: CommonOptions): ApiClient {
  return new ApiClient({ path: socketOf(options), prefix: options.prefix });
}

function parsePrefix(value: string): string {
  if (/^[a-z][a-z0-9]{0,7}$/.test(value)) return value;
  throw new InvalidArgumentError('Take up to 8 of a-z and 0-9, a letter first.');
}
