import { EXIT_CONFIG } from '../shared/exit-codes.ts';
import type { ManagerOptions } from '../shared/manager/options.ts';

const TEXTS = ['name', 'prefix', 'version', 'runDirectory', 'logDirectory', 'isolation'] as const;
const TYPES: readonly string[] = ['local', 'switch', 'vpn'] satisfies ManagerOptions['type'][];

/** The manager's argument. What makes no sense ends the process with a sentence and a code that says not to try again. */
export function optionsOrExit(argument: string | undefined): ManagerOptions {
  try {
    return parseOptions(argument ?? '');
  } catch (error) {
    console.error(`nibox manager: ${(error as Error).message}; it is started by the supervisor: see \`nibox run\``);
    process.exit(EXIT_CONFIG);
  }
}

/** Throws an Error that names the field and its value. */
export function parseOptions(argument: string): ManagerOptions {
  let options: Partial<ManagerOptions> | null;
  try {
    options = JSON.parse(argument) as Partial<ManagerOptions> | null;
  } catch {
    throw new Error(`its argument is not JSON: ${JSON.stringify(argument.slice(0, 80))}`);
  }
  for (const field of TEXTS) {
    const value = options?.[field];
    if (typeof value !== 'string' || value === '') throw new Error(`${field} is ${JSON.stringify(value)}, not a text`);
  }
  const { type } = options as ManagerOptions;
  if (!TYPES.includes(type)) throw new Error(`type is ${JSON.stringify(type)}, not one of ${TYPES.join(', ')}`);
  return options as ManagerOptions;
}
