import { run } from './run.ts';

/**
 * What several `show` commands of `ip` tell, by one program: a list for each, in the order of `commands`; `T` is what they hold. `flags`
 * are those of `ip`, such as `-d`. Throws CommandError when one fails.
 */
export async function showIp<T extends readonly object[][]>(
  commands: readonly string[],
  {
    flags = [],
    timeoutMs,
    execute = run,
  }: { flags?: readonly string[]; timeoutMs?: number; execute?: typeof run } = {},
): Promise<T> {
  const input = commands.map(command => `${command}\n`).join('');
  const args = ['-j', ...flags, '-batch', '-'];
  const output = await execute('ip', args, { input, ...(timeoutMs !== undefined && { timeoutMs }) });
  const lines = output.split('\n').filter(Boolean);
  if (lines.length !== commands.length)
    throw new Error(`\`ip ${args.join(' ')}\` answered ${commands.length} commands with ${lines.length} lines`);
  // It prints empty objects for what its filter left out.
  return lines.map(line => (JSON.parse(line) as object[]).filter(item => Object.keys(item).length > 0)) as unknown as T;
}
